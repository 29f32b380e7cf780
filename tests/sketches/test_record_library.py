"""Records, checksums and decimals of the board compared with Python's."""

from __future__ import annotations

import binascii
import ctypes
import zlib
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest
from host_library import LIBRARIES, host_library
from hypothesis import example, given
from hypothesis import strategies as st

from harness.link.records import checksum

LARGEST = 2**32 - 1
U32 = st.integers(0, LARGEST)


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    library = host_library(Path(__file__).with_name("records_host.cpp"), LIBRARIES / "EarshotRecords" / "src")
    library.records_crc16.restype = ctypes.c_uint16
    library.records_crc32.restype = ctypes.c_uint32
    library.records_decimal.argtypes = [ctypes.c_float, ctypes.c_char_p]
    library.records_unsigned.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    library.records_hex.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_char_p]
    library.records_line.argtypes = [
        ctypes.c_uint32,
        ctypes.c_char_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_char_p,
    ]
    return library


def printed(function: Callable[..., int], *arguments: object) -> str:
    """Return the text that a function writes to its last argument, a buffer."""
    buffer = ctypes.create_string_buffer(200)
    count = function(*arguments, buffer)
    assert not buffer.raw[count:].strip(b"\0"), "the returned count is too small"
    return buffer.raw[:count].decode()


@given(st.binary(max_size=200))
def test_crc16_is_ccitt_false(library, data):
    assert library.records_crc16(data, len(data)) == binascii.crc_hqx(data, 0xFFFF)


@given(st.lists(st.binary(max_size=100)))
def test_crc32_of_pieces_equals_that_of_the_whole(library, pieces):
    crc = 0
    for piece in pieces:
        crc = library.records_crc32(piece, len(piece), crc)
    assert crc == zlib.crc32(b"".join(pieces))


@given(U32)
def test_unsigned(library, value):
    assert printed(library.records_unsigned, value) == str(value)


@given(U32, st.integers(1, 8))
def test_hex(library, value, digits):
    assert printed(library.records_hex, value, digits) == f"{value:08X}"[8 - digits :]


@example(1.0)
@example(0.999999999)
@example(np.float32(0.9999999962747097))
@example(0.5 * 1e-8)
@example(2.0**24 + 1)
@example(4294967040.0)
@example(-0.0)
@given(st.floats(-4294967040.0, 4294967040.0, width=32))
def test_a_float_is_printed_as_a_true_decimal(library, value):
    value = float(np.float32(value))
    magnitude = abs(Decimal(value)).quantize(Decimal("1e-8"), ROUND_HALF_UP)
    sign = "-" if np.signbit(value) else ""
    assert printed(library.records_decimal, value) == f"{sign}{magnitude:f}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "nan"),
        (float("inf"), "4294967295.00000000"),
        (float("-inf"), "-4294967295.00000000"),
        (4294967296.0, "4294967295.00000000"),
        *((score / 256, f"{score / 256:.8f}") for score in (0, 1, 3, 128, 255)),  # exact: 2^-8 has 8 decimals
    ],
)
def test_infinite_and_large_floats_and_scores(library, value, text):
    assert printed(library.records_decimal, value) == text


@given(U32, st.text("abcxyz 0189._+-", min_size=1, max_size=63), U32, U32)
def test_a_record_has_its_fields_and_a_checksum(library, sequence, text, first, second):
    body = f"det,{sequence},{text},{first},{second}"
    line = printed(library.records_line, sequence, text.encode(), first, second)
    assert line == f"${body}*{binascii.crc_hqx(body.encode(), 0xFFFF):04X}\r\n"


def test_the_longest_record_fits_and_a_longer_one_is_not_written(library):
    longest = printed(library.records_line, LARGEST, b"x" * 63, LARGEST, LARGEST)
    assert checksum(longest[1:-7].encode()) == longest[-6:-2].encode()
    assert printed(library.records_line, LARGEST, b"x" * 65, LARGEST, LARGEST) == ""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.checksum import WrongChecksum, check_checksum, dump_with_checksum

TEXTS = st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=6)
RECORDS = st.dictionaries(TEXTS.filter(lambda name: name != "checksum"), VALUES, min_size=1, max_size=3)


@given(RECORDS)
def test_the_dump_is_the_same_json_with_its_checksum(record):
    text = dump_with_checksum(record)
    assert json.loads(text) == {**record, "checksum": check_checksum(text.encode())}


@given(RECORDS, st.data())
def test_a_changed_byte_and_a_cut_are_detected(record, data):
    written = bytearray(dump_with_checksum(record).encode())
    at = data.draw(st.integers(0, len(written) - 2))  # the last newline is not part of the record
    written[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(1, 80))
    for changed in (written, dump_with_checksum(record).encode()[: -1 - cut]):
        with pytest.raises(WrongChecksum):
            check_checksum(bytes(changed))


def test_samples_take_one_line():
    assert '"clip": [1, 2, 3]' in dump_with_checksum({"samples_us": {"clip": [1, 2, 3]}})


def test_a_record_without_a_checksum_is_refused():
    with pytest.raises(WrongChecksum, match="no checksum"):
        check_checksum(b'{\n "schema": 2\n}\n')

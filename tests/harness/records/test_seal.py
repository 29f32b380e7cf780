"""The seal of a record: it holds for what was written, and for nothing else."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.checksum import Broken, check_seal, sealed_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9
)
RECORDS = st.dictionaries(st.text(), VALUES, min_size=1).filter(lambda record: set(record) - {"seal"})


@settings(max_examples=40)
@given(RECORDS)
def test_what_was_sealed_holds_and_is_the_same_json(record):
    text = sealed_text(record)
    assert check_seal(text.encode()) == json.loads(text)["seal"]
    assert json.loads(text) == {**record, "seal": json.loads(text)["seal"]}


@settings(max_examples=40)
@given(RECORDS, st.data())
def test_a_changed_byte_is_seen(record, data):
    written = bytearray(sealed_text(record).encode())
    at = data.draw(st.integers(0, len(written) - 2))  # the last newline is nothing of the record
    written[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Broken):
        check_seal(bytes(written))


@settings(max_examples=40)
@given(RECORDS, st.integers(1, 80))
def test_a_record_cut_off_is_seen(record, cut):
    written = sealed_text(record).encode()
    with pytest.raises(Broken):
        check_seal(written[: len(written) - 1 - cut])


def test_samples_take_one_line():
    assert '"clip": [1, 2, 3]' in sealed_text({"samples_us": {"clip": [1, 2, 3]}})


def test_a_seal_of_before_is_left_out():
    assert sealed_text({"a": 1, "seal": "old"}) == sealed_text({"a": 1})


def test_what_is_no_number_stays_what_it_is():
    assert math.isnan(json.loads(sealed_text({"difference": math.nan}))["difference"])


def test_a_record_without_a_seal():
    with pytest.raises(Broken, match="no 64 hex digits in the last line"):
        check_seal(b'{\n "schema": 2\n}\n')

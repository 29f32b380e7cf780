from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_nights import FLASH, accepted, quiet_nights

from harness.records.verdict import SeriesName
from harness.regression.baseline import (
    Acceptance,
    Baseline,
    Epoch,
    TimeReference,
    baseline_path,
    read_baseline,
    write_baseline,
)
from harness.regression.canary import CanaryReference
from models.errors import ConfigError


@pytest.fixture
def path(tmp_path):
    written = tmp_path / "baselines" / "nano33ble.toml"
    write_baseline(accepted(quiet_nights()), written)
    return written


def test_a_boards_name_stays_within_the_folder(tmp_path):
    path = baseline_path("../../shelf", tmp_path)
    assert path.parent == tmp_path and path != baseline_path("shelf", tmp_path)


def test_a_missing_file_is_no_baseline(tmp_path):
    assert read_baseline(tmp_path / "none.toml") is None


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
parts = st.text("abcdefgh0123456789.-_", min_size=1, max_size=8)
names = st.builds(SeriesName, parts, parts, parts, parts).map(str)
positive = st.floats(1e-9, 1e9)
shares = st.floats(0, 1)
times = st.datetimes().map(lambda at: at.isoformat() + "Z")
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
acceptances = st.builds(Acceptance, times, texts, texts, texts, st.lists(texts, max_size=2).map(tuple))
epochs = st.builds(
    Epoch,
    number=st.integers(1, 99),
    since=times,
    uid=texts,
    environment=st.dictionaries(texts, texts, max_size=3),
    procedure=st.integers(1, 9),
    canary=st.none() | st.builds(CanaryReference, texts, positive, shares),
    times=st.dictionaries(
        names, st.builds(TimeReference, times, positive, shares, st.integers(1, 14)), max_size=3
    ),
    exact=st.dictionaries(names, numbers | texts, max_size=3),
    accepted=st.lists(acceptances, min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=60)
@given(st.builds(Baseline, texts, st.lists(epochs, max_size=2).map(tuple)))
def test_any_baseline_is_read_as_it_was_written(tmp_path_factory, baseline):
    path = tmp_path_factory.getbasetemp() / "board.toml"
    write_baseline(baseline, path)
    assert read_baseline(path) == baseline


@pytest.mark.parametrize(
    ("line", "wrong", "place"),
    [
        ("schema = 1", "schema = 2", "line 3, schema"),
        ("number = 1", "number = true", "epochs[0].number"),
        ("number = 1", "number = ", "line 6"),
        ('since = "2026-11-01T01:00:00Z"', 'since = "soon"', "epochs[0]"),
        ("reference_us = 50000.0", "reference_us = 0", "epochs[0].canary.reference_us"),
        (f'"{FLASH}" = 61312', f'"{FLASH}" = [1]', f"epochs[0].exact.{FLASH}"),
        (f'"{FLASH}" = 61312', '"flash" = 61312', "epochs[0]"),
        ("[epochs.exact]", "[epochs.other]", "epochs[0].other"),
    ],
)
def test_an_error_names_file_and_key(path, line, wrong, place):
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, wrong, 1))
    with pytest.raises(ConfigError, match=re.escape(place)) as caught:
        read_baseline(path)
    assert str(path) in str(caught.value)

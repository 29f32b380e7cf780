"""The baseline's file: read as it was written, reviewed line by line, refused with the key that is wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_nights import AT, FLASH, INT8_US, accepted, night, quiet_nights

from harness.errors import UsageError
from harness.records.verdict import SeriesName
from harness.regression.acceptance import accept
from harness.regression.baseline import Acceptance, Baseline, Epoch, TimeReference
from harness.regression.baseline_file import read_baseline, to_toml, write_baseline
from harness.regression.canary import CanaryReference


@pytest.fixture
def path(tmp_path):
    written = tmp_path / "baselines" / "nano33ble.toml"
    write_baseline(accepted(quiet_nights()), written)
    return written


def test_what_was_written_is_read(path):
    assert read_baseline(path) == accepted(quiet_nights())


def test_nothing_is_left_beside_it(path):
    assert [item.name for item in path.parent.iterdir()] == ["nano33ble.toml"]


def test_no_file_is_no_baseline(tmp_path):
    assert read_baseline(tmp_path / "none.toml") is None


def test_accepting_a_size_changes_its_line_and_adds_the_reason():
    before = accepted(quiet_nights())
    after = accept(before, night(14, exact={FLASH: 5}), quiet_nights(), reason="smaller kernel", at=AT)
    old, new = (to_toml(baseline).splitlines() for baseline in (before, after))
    assert [line for line in old if line not in new] == [f'"{FLASH}" = 61312']
    added = [line for line in new if line not in old]
    assert f'"{FLASH}" = 5' in added
    assert 'reason = "smaller kernel"' in added
    assert len(added) <= 5


texts = st.text(max_size=20)
parts = st.text("abcdefgh0123456789.-_", min_size=1, max_size=8)
names = st.builds(SeriesName, parts, parts, parts, parts)
positive = st.floats(1e-9, 1e9)
shares = st.floats(0, 1)
times = st.datetimes().map(lambda at: at.isoformat() + "Z")
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
    exact=st.dictionaries(names, st.integers() | texts | st.floats(allow_nan=False, allow_infinity=False)),
    accepted=st.lists(
        st.builds(Acceptance, times, texts, texts, texts, st.lists(texts, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
)


@settings(max_examples=60)
@given(st.builds(Baseline, texts, st.lists(epochs, max_size=2).map(tuple)))
def test_any_baseline_is_read_as_it_was_written(tmp_path_factory, baseline):
    path = tmp_path_factory.mktemp("baseline") / "board.toml"
    write_baseline(baseline, path)
    assert read_baseline(path) == baseline


@pytest.mark.parametrize(
    ("line", "wrong", "part"),
    [
        ("schema = 1", "schema = 2", "reads up to 1"),
        ("schema = 1", "", "`schema` should be a whole number"),
        ('board = "nano33ble"', "board = 5", "`board` should be a text"),
        ("number = 1", "number = true", "`epoch[0].number` should be a whole number"),
        ("number = 1", "number = ", "cannot be read"),
        ('since = "2026-11-01T01:00:00Z"', 'since = "soon"', "`epoch[0].since` should be a time"),
        ('core = "4.2.1"', "core = 4.2", "`epoch[0].environment.core` should be a text"),
        (
            "reference_us = 50000.0",
            "reference_us = 0",
            "`epoch[0].canary.reference_us` should be a number above",
        ),
        (f'"{FLASH}" = 61312', f'"{FLASH}" = [1]', f"`epoch[0].exact.{FLASH}` should be a number or a text"),
        (f'"{FLASH}" = 61312', '"flash" = 61312', "`epoch[0].exact.flash` should be a series"),
        ('series = ["all"]', "series = [1]", "`epoch[0].accepted[0].series` should be a list of texts"),
        ("[epoch.exact]", "[epoch.other]", "`epoch[0].exact` should be a table"),
        ("[[epoch]]", "[epoch]", "`epoch` should be a list of tables"),
    ],
)
def test_what_is_wrong_is_named(path, line, wrong, part):
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, wrong, 1))
    with pytest.raises(UsageError, match=re.escape(part)) as caught:
        read_baseline(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_bytes_that_are_no_text(path):
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read_baseline(path)


def test_a_file_cut_off_at_any_line_is_refused_or_has_less(path):
    lines = path.read_text().splitlines(keepends=True)
    whole = read_baseline(path)
    for count in range(len(lines)):
        path.write_text("".join(lines[:count]))
        try:
            assert read_baseline(path) != whole
        except UsageError as refused:
            assert refused.remedy


def test_a_time_is_written_to_the_last_digit(tmp_path):
    baseline = accepted([night(0, INT8_US / 3)])
    write_baseline(baseline, tmp_path / "b.toml")
    assert read_baseline(tmp_path / "b.toml") == baseline

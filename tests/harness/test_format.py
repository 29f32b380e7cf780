from __future__ import annotations

import math
import re

import pytest
from html_page import plain
from hypothesis import given
from hypothesis import strategies as st

from harness import format as fmt
from harness import layout


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_missing_values_are_dashes(missing):
    for show in (fmt.significant, fmt.duration, fmt.seconds, fmt.count, fmt.share, fmt.times, fmt.added):
        assert show(missing) == fmt.DASH
    for show in (fmt.span, fmt.interval, fmt.of, fmt.points_interval, fmt.per_hour_interval):
        assert show(1, missing) == fmt.DASH


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (fmt.duration, 0, "0 µs"),
        (fmt.duration, 0.5, "0.500 µs"),
        (fmt.duration, 999.4, "999 µs"),
        (fmt.duration, 999.6, "1.00 ms"),
        (fmt.duration, 21_340, "21.3 ms"),
        (fmt.duration, 999_700, "1.00 s"),
        (fmt.round_duration, 2_000, "2 ms"),
        (fmt.share, 0, "0 %"),
        (fmt.share, 0.0001, "< 0.1 %"),
        (fmt.share, 0.983, "98.3 %"),
        (fmt.share, 0.99999, "> 99.9 %"),
        (fmt.share, 1, "100 %"),
        (fmt.share, 12.375, "1,237.5 %"),
        (fmt.precise_share, 0.0123, "1.23 %"),
        (fmt.precise_change, -0.0039, "−0.39 %"),
        (fmt.added, -1.5, "−1.5"),
        (fmt.added, 1_234_567, "+1,234,567"),
        (fmt.percent, 0.125, "12.5 %"),
        (fmt.difference, 0, "0"),
        (fmt.difference, 0.00390625, "0.00391"),
        (fmt.difference, 5.96e-8, "6.0e−08"),
        (fmt.precise_change, 0, "0 %"),
        (fmt.precise_change, 20, "+2,000.00 %"),
        (fmt.precise_change, 0.021, "+2.10 %"),
        (fmt.precise_change, 0.0000123, "+0.0012 %"),
        (fmt.points, -0.0125, "−1.2"),
        (fmt.points, -0.0001, "0.0"),
        (fmt.probability, 0.0, "< 0.001"),
        (fmt.probability, 0.0432, "0.043"),
        (fmt.audio_time, 0.2, "12.0 min"),
        (fmt.audio_time, 0, "–"),
        (fmt.decibels, -5, "−5 dB"),
        (fmt.text, "  ", "–"),
        (fmt.text, "yes\x1b[31m\u202e", "yes�[31m�"),
    ],
)
def test_values_as_texts(show, value, text):
    assert plain(show(value)) == text


def test_ranges_name_a_shared_unit_once():
    assert plain(fmt.span(59.3, 60)) == "59.3 to 60.0 µs"
    assert plain(fmt.span(900, 1100)) == "900 µs to 1.10 ms"


def test_no_end_of_an_interval_has_needless_decimals():
    assert plain(fmt.interval(0, 0.3904)) == "0 to 39.0 %"
    assert plain(fmt.interval(0.9749, 1)) == "97.5 to 100 %"


def test_percentages_have_a_space_everywhere():
    pattern = re.compile(r":[^{}'\"]*%}")  # such as {share:.1%}
    sources = [path for package in ("harness", "models") for path in (layout.ROOT / package).rglob("*.py")]
    assert [path for path in sources if pattern.search(path.read_text())] == []


def test_a_part_of_nothing_is_a_dash():
    assert (fmt.of(0, 0), fmt.of(0, 3)) == ("–", "0 of 3")


@given(st.floats(1e-3, 1e9))
def test_durations_are_rounded_to_three_digits(microseconds):
    value, unit = plain(fmt.duration(microseconds)).split()
    size = {"µs": 1, "ms": 1e3, "s": 1e6}[unit]
    assert float(value.replace(",", "")) * size == pytest.approx(microseconds, rel=0.00501)

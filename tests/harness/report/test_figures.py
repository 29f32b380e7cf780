"""Figures as texts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import format as figures

FUNCTIONS = [
    (figures.significant, 1),
    (figures.duration, 1),
    (figures.span, 2),
    (figures.seconds, 1),
    (figures.count, 1),
    (figures.share, 1),
    (figures.interval, 2),
    (figures.of, 2),
    (figures.times, 1),
    (figures.difference, 1),
    (figures.change, 1),
    (figures.points, 1),
    (figures.points_interval, 2),
    (figures.probability, 1),
]


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(("show", "arguments"), FUNCTIONS)
@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_was_not_measured_is_a_dash(show, arguments, missing):
    assert show(*[1] * (arguments - 1), missing) == figures.DASH


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0 µs"),
        (0.5, "0.500 µs"),
        (46, "46.0 µs"),
        (843.2, "843 µs"),
        (999.4, "999 µs"),
        (999.6, "1.00 ms"),
        (21_340, "21.3 ms"),
        (999_700, "1.00 s"),
        (1_234_000, "1.23 s"),
    ],
)
def test_durations_take_the_unit_that_suits_them(microseconds, text):
    assert plain(figures.duration(microseconds)) == text


@given(st.floats(1e-3, 1e9))
def test_a_duration_is_within_half_a_digit_of_its_value(microseconds):
    figure, unit = plain(figures.duration(microseconds)).split()
    size = {"µs": 1, "ms": 1e3, "s": 1e6}[unit]
    assert float(figure.replace(",", "")) * size == pytest.approx(microseconds, rel=0.00501)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"),
        (0.0001, "< 0.1 %"),
        (0.0006, "0.1 %"),
        (0.983, "98.3 %"),
        (0.99999, "> 99.9 %"),
        (1, "100 %"),
    ],
)
def test_only_none_reads_0_and_only_all_reads_100_percent(fraction, text):
    assert plain(figures.share(fraction)) == text


def test_a_range_has_its_unit_once_where_it_is_the_same():
    assert plain(figures.span(59.3, 60)) == "59.3 to 60.0 µs"
    assert plain(figures.span(900, 1100)) == "900 µs to 1.10 ms"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.00390625, "0.00391"), (5.96e-8, "6.0e−08")])
def test_differences_that_are_tiny_have_a_power(value, text):
    assert figures.difference(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(-0.392, "−39.2 %"), (0.12, "+12.0 %"), (0, "0 %"), (20, "+2,000.0 %")]
)
def test_how_far_off_a_figure_is_has_its_sign(value, text):
    assert plain(figures.change(value)) == text


def test_differences_of_rates_are_points():
    assert [figures.points(value) for value in (-0.0125, 0.0, -0.0001)] == ["−1.2", "0", "0.0"]
    assert figures.points_interval(-0.02, 0.004) == "−2.0 to +0.4"


def test_a_p_value_is_never_zero():
    assert [figures.probability(p) for p in (0.0, 0.0432, 1.0)] == ["< 0.001", "0.043", "1.000"]


def test_control_characters_do_not_pass():
    assert figures.text("yes\x1b[31m\u202e") == "yes�[31m�"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_text_that_is_empty_is_a_dash(value):
    assert figures.text(value) == figures.DASH

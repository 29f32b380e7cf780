"""SVG paths, axes and formatted figures of the history."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.verdict import STATUSES, SeriesName
from harness.report.pages.history_data import Series
from harness.report.pages.history_svg import GLYPHS, area, date_ticks, limits, line, steps, ticks
from harness.report.pages.history_text import amount, change_text, with_code

NAN = float("nan")
TIME = SeriesName("a", "codegen", "inference_us", "clip")
FLASH = SeriesName("a", "codegen", "flash_bytes", "-")


def days(count: int, hours: float = 24) -> list[str]:
    start = datetime.fromisoformat("2026-11-20T01:00:00+00:00")
    return [(start + timedelta(hours=hours * index)).isoformat() for index in range(count)]


def test_lines_and_steps_are_interrupted_where_a_value_is_missing():
    assert line(np.arange(5.0), np.array([1.0, 2.0, NAN, 3.0, 4.0])) == "M0 1L1 2M3 3L4 4"
    y = np.array([5.0, 5.0, 9.0, NAN, NAN, 9.0])
    assert steps(np.arange(7.0) - 0.5, y) == "M-0.5 5H1.5L1.5 9H2.5M4.5 9H5.5"
    assert line(np.arange(2.0), y[3:5]) == steps(np.arange(3.0), y[3:5]) == ""


def test_each_stretch_of_an_area_is_closed():
    low = np.array([4.0, 5.0, NAN, 4.0])
    drawn = area(np.array([0.0, 1.0, 2.0, 3.0]), low, low - 3)
    assert drawn.startswith("M0 1L1 2L1 5L0 4Z") and drawn.count("Z") == 2


def test_every_status_has_a_mark():
    assert GLYPHS.keys() == {*STATUSES, ""}
    assert GLYPHS["regressed"] != GLYPHS["improved"]


def test_an_outlier_does_not_set_the_limits_but_a_reference_does():
    values = np.random.default_rng(1).normal(33_000, 60, 100)
    values[40] = 90_000
    low, high = limits(values)
    assert 32_500 < low < high < 33_500
    assert limits(values, [34_000.0, NAN])[1] > 34_000


def test_constant_and_missing_values_have_limits():
    low, high = limits(np.full(5, 40_000.0))
    assert low < 40_000 < high
    assert limits(np.full(3, NAN)) == (0.0, 1.0)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_lie_within_the_limits_and_are_not_too_many(low, span, count):
    found = ticks(low, low + span, count)
    assert len(found) <= count + 1
    assert all(low - 1e-6 * span <= value <= low + span * 1.000001 for value, _ in found)


def test_tick_labels_have_the_decimals_that_they_need():
    assert [label for _, label in ticks(33, 33.5, 2)] == ["33.00", "33.25", "33.50"]
    assert [label for _, label in ticks(-1000, 1000, 2)] == ["−1,000", "0", "1,000"]


@pytest.mark.parametrize(("count", "first"), [(13, (1, "21 Nov")), (100, (11, "Dec 2026"))])
def test_dates_name_their_nights(count, first):
    assert date_ticks(days(count), 9)[0] == first


@pytest.mark.parametrize("count", [2, 13, 100, 900, 1_100])
def test_dates_are_no_more_than_there_is_room_for(count):
    assert 1 <= len(date_ticks(days(count), 9)) <= 10


def test_nights_of_one_day_have_one_date():
    assert date_ticks(days(3, hours=1), 9) == [(0, "20 Nov 2026 01:00")]


@pytest.mark.parametrize(
    ("value", "name", "kind", "text"),
    [
        (33_117.4, TIME, "time", "33.12 ms"),
        (33_117.4, TIME, "modeled", "33,117.4 µs"),
        (61_312, FLASH, "number", "61,312 bytes"),
        (None, FLASH, "number", "–"),
        (NAN, TIME, "time", "–"),
        ("CONV_2D 1, SOFTMAX 1", FLASH, "text", "CONV_2D 1, SOFTMA…"),
    ],
)
def test_an_amount_has_its_unit(value, name, kind, text):
    none = np.zeros(0)
    series = Series(name, kind, none, none, (), none, none, (), None, None)
    assert amount(value, series).replace("\u00a0", " ") == text


def test_a_change_of_an_exact_figure_has_its_unit_too():
    exact = change_text("modeled", 150_012.5, 150_000.25, TIME).replace("\u00a0", " ")
    assert exact == "+12.25 µs, +0.0082 %"
    assert change_text("time", 33_660.0, 33_000.0, TIME).replace("\u00a0", " ") == "+2.00 %"


def test_commands_become_code_and_everything_else_is_escaped():
    assert with_code("<b> `earshot run --x <y>`.") == "&lt;b&gt; <code>earshot run --x &lt;y&gt;</code>."

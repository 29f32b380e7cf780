from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.history.scales import Scale, date_ticks, limits, tick_texts, ticks


def days(count: int, first: str = "2026-11-20", hours: float = 24) -> list[str]:
    start = datetime.fromisoformat(f"{first}T01:00:00+00:00")
    return [(start + timedelta(hours=hours * index)).isoformat() for index in range(count)]


def test_a_scale_goes_upwards_where_its_pixels_go_down():
    scale = Scale(10.0, 20.0, 100.0, 0.0)
    assert scale.at(10) == 100
    assert scale.at(15) == 50


def test_a_wild_night_does_not_set_the_limits():
    values = np.random.default_rng(1).normal(33_000, 60, 100)
    values[40] = 90_000
    low, high = limits(values)
    assert 32_500 < low < high < 33_500


def test_what_has_to_be_seen_is_within_the_limits():
    low, high = limits(np.full(50, 100.0), [120.0, float("nan")])
    assert low < 100 < 120 < high


def test_a_level_has_room_around_it():
    low, high = limits(np.full(5, 40_000.0))
    assert low < 40_000 < high


def test_no_values_have_limits_as_well():
    assert limits(np.full(3, np.nan)) == (0.0, 1.0)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_within_the_limits_and_not_too_many(low, span, about):
    found = ticks(low, low + span, about)
    assert len(found) <= about + 1
    assert all(low - 1e-6 * span <= tick <= low + span * 1.000001 for tick in found)


def test_ticks_show_as_many_decimals_as_tell_them_apart():
    assert tick_texts([33.0, 33.25, 33.5]) == ["33.00", "33.25", "33.50"]
    assert tick_texts([1000.0, 2000.0]) == ["1,000", "2,000"]
    assert tick_texts([-1.0, 0.0]) == ["−1", "0"]


def test_years_stand_below_ten_years():
    labels = [text for _, text in date_ticks(days(3_650), 9)]
    assert labels == ["2028", "2030", "2032", "2034", "2036"]


def test_months_stand_below_a_year_the_first_with_its_year():
    labels = [text for _, text in date_ticks(days(300), 9)]
    assert labels == ["Jan 2027", "Mar", "May", "Jul", "Sep"]


def test_days_stand_below_some_weeks():
    found = date_ticks(days(40), 9)
    assert found[0] == (0, "20 Nov 2026")
    assert found[1] == (5, "25 Nov")


def test_nights_of_one_day_are_told_apart_by_the_hour():
    assert date_ticks(days(3, hours=1), 9) == [
        (0, "20 Nov 01:00"),
        (1, "20 Nov 02:00"),
        (2, "20 Nov 03:00"),
    ]


@pytest.mark.parametrize("count", [1, 2, 13, 100, 900])
@pytest.mark.parametrize("most", [1, 4, 9])
def test_there_is_a_date_and_never_more_than_there_is_room_for(count, most):
    assert 1 <= len(date_ticks(days(count), most)) <= most

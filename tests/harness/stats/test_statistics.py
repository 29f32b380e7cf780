from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, poisson

from harness.stats.statistics import (
    Summary,
    difference_interval,
    pareto_front,
    poisson_interval,
    ratio,
    summarize,
    wilson_interval,
)

samples = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50)


def test_a_summary_by_hand():
    assert summarize([4, 1, 3, 2, 10]) == Summary(
        n=5, minimum=1.0, median=3.0, mean=4.0, p95=pytest.approx(8.8), maximum=10.0
    )


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_no_summary_of_no_samples_or_of_nan(values):
    with pytest.raises(ValueError, match="sample"):
        summarize(values)


def test_wilson_interval_as_published():  # Newcombe 1998, table I, method 3
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_wilson_intervals_are_scipys(one, other):
    correct, total = sorted((one, max(other, 1)))
    expected = binomtest(correct, total).proportion_ci(method="wilson")
    assert wilson_interval(correct, total) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_the_wilson_interval_without_trials():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("arguments", [(3, 2), (-1, 2)])
def test_no_interval_for_impossible_counts(arguments):
    with pytest.raises(ValueError, match="no interval"):
        wilson_interval(*arguments)


@pytest.mark.parametrize(("value", "reference"), [(None, 1.0), (1.0, None), (1.0, 0.0)])
def test_no_ratio_of_missing_values(value, reference):
    assert ratio(value, reference) is None


@given(st.integers(1, 500))
def test_poisson_intervals_are_exact(events):
    low, high = poisson_interval(events, 1.0)
    assert poisson.sf(events - 1, low) == pytest.approx(0.025)
    assert poisson.cdf(events, high) == pytest.approx(0.025)


def test_without_events_the_rule_of_three_holds():
    assert poisson_interval(0, 12.0) == (0.0, 0.25)
    assert poisson.pmf(0, 3.0) == pytest.approx(0.05, abs=3e-4)


def test_the_poisson_interval_without_exposure():
    assert poisson_interval(0, 0.0) == (0.0, math.inf)


@pytest.mark.parametrize(("events", "exposure"), [(-1, 1.0), (1, -1.0), (1, math.inf), (1, math.nan)])
def test_no_poisson_interval(events, exposure):
    with pytest.raises(ValueError, match="no rate"):
        poisson_interval(events, exposure)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),  # Newcombe's table II, method 10
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_intervals_of_a_difference_as_published(first, second, low, high):
    assert difference_interval(first, second) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50), st.integers(1, 50))
def test_the_interval_of_a_difference_contains_it_and_is_antisymmetric(one, other, more, still_more):
    first, second = (one, one + more), (other, other + still_more)
    low, high = difference_interval(first, second)
    assert -1 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1
    assert difference_interval(second, first) == pytest.approx((-high, -low))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_the_front_has_the_points_that_no_other_point_beats(points):
    def beats(one, other):
        return one[0] <= other[0] and one[1] <= other[1] and one != other

    chosen = pareto_front(points)
    assert {*chosen} == {
        place for place, point in enumerate(points) if not any(beats(other, point) for other in points)
    }
    assert [points[place] for place in chosen] == sorted(points[place] for place in chosen)

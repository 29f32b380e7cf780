from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.results.statistics import Summary, ratio, summarize, wilson_interval

samples = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50)


def test_a_summary_by_hand():
    assert summarize([4, 1, 3, 2, 10]) == Summary(
        n=5, minimum=1.0, median=3.0, mean=4.0, p95=pytest.approx(8.8), maximum=10.0
    )


def test_one_sample_is_its_own_summary():
    assert summarize([7]) == Summary(1, 7.0, 7.0, 7.0, 7.0, 7.0)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_no_summary_of_nothing_or_of_what_is_no_number(values):
    with pytest.raises(ValueError, match="sample"):
        summarize(values)


@given(samples)
def test_a_summary_is_in_order(values):
    of = summarize(values)
    assert of.minimum <= of.median <= of.maximum
    assert of.minimum <= of.mean <= of.maximum
    assert of.median <= of.p95 <= of.maximum


@given(samples, st.randoms())
def test_the_order_of_samples_does_not_matter(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    left, right = summarize(values), summarize(shuffled)
    assert (left.minimum, left.median, left.p95, left.maximum) == (
        right.minimum,
        right.median,
        right.p95,
        right.maximum,
    )


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_that_of_scipy(counts):
    correct, total = counts
    expected = binomtest(correct, total).proportion_ci(method="wilson")
    assert wilson_interval(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_stays_within_0_and_1(counts):
    low, high = wilson_interval(*counts)
    assert 0.0 <= low <= counts[0] / counts[1] <= high <= 1.0


def test_more_confidence_is_a_wider_interval():
    narrow, wide = wilson_interval(8, 10, 0.8), wilson_interval(8, 10, 0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_without_trials_the_rate_can_be_anything():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("arguments", [(3, 2), (-1, 2), (1, 2, 1.0), (1, 2, 0.0)])
def test_no_interval_for_impossible_counts(arguments):
    with pytest.raises(ValueError, match="no interval"):
        wilson_interval(*arguments)


def test_a_ratio():
    assert ratio(6.0, 4.0) == 1.5


@pytest.mark.parametrize(("value", "reference"), [(None, 1.0), (1.0, None), (1.0, 0.0)])
def test_no_ratio_of_what_was_not_measured(value, reference):
    assert ratio(value, reference) is None

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.pairing import holm, mcnemar, mean_interval, paired

COUNT = st.integers(0, 60)


def test_mcnemar_of_a_worked_example():
    # 2 of 10: 2 (C(10,0) + C(10,1) + C(10,2)) / 2^10
    assert mcnemar(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 1024)


@given(COUNT, COUNT)
def test_mcnemar_is_the_binomial_sum_in_either_order(one, two):
    tail = sum(math.comb(one + two, k) for k in range(min(one, two) + 1)) / 2 ** (one + two)
    assert mcnemar(one, two) == pytest.approx(min(1.0, 2 * tail))
    assert mcnemar(one, two) == pytest.approx(mcnemar(two, one))


def test_mean_with_students_interval():
    found = mean_interval([0.80, 0.82, 0.84])
    assert found.mean == pytest.approx(0.82)
    assert (found.mean - found.low, found.high - found.mean) == pytest.approx(
        (4.302653 * 0.02 / math.sqrt(3),) * 2, rel=1e-5
    )


def test_methods_are_compared_clip_by_clip():
    found = paired(
        first=[[True, True, True, False], [True, True, False, False]],
        second=[[True, False, False, True], [False, True, False, False]],
        seeds=[1, 2],
    )
    assert (found.only_first, found.only_second) == (3, 1)
    assert found.p == mcnemar(3, 1)
    assert found.difference == pytest.approx((1 / 4 + 1 / 4) / 2)
    assert (found.runs, found.seeds, found.clips) == (2, 2, 4)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_swapping_the_methods_changes_the_sign_only(answers):
    one, two = [a for a, _ in answers], [b for _, b in answers]
    there, back = paired([one], [two], [1]), paired([two], [one], [1])
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


@pytest.mark.parametrize(
    ("first", "second", "seeds"), [([], [], []), ([[True]], [[True, False]], [1]), ([[True]], [[True]], [])]
)
def test_inputs_that_do_not_match_are_refused(first, second, seeds):
    with pytest.raises(ValueError, match="nothing to pair"):
        paired(first, second, seeds)


def test_holm_multiplies_by_the_tests_that_remain_and_ignores_nan():
    assert holm([0.04, math.nan, 0.01, 0.03]) == pytest.approx([0.06, math.nan, 0.03, 0.06], nan_ok=True)
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_textbook(p):
    expected, left = [False] * len(p), len(p)
    for index in sorted(range(len(p)), key=lambda index: p[index]):
        if p[index] * left > 0.01:
            break
        expected[index], left = True, left - 1
    assert (holm(p) <= 0.01).tolist() == expected
    assert (holm([*p, math.nan])[:-1] == holm(p)).all()

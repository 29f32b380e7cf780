"""The rule by hand, against SciPy, its invariances, and its error rates on made-up noise."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import simulation
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.regression import rule

US = 30_000.0


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def judged(window, tonight, pinned=None, before=None):
    """Judge a night (S,) after nights (K, S); default: the window is the pinned reference."""
    window = np.asarray(window, dtype=float)
    expected = rule.reference(window)
    before = window[-2:] if before is None else before
    return rule.judge(expected, pinned or expected, before, np.asarray(tonight, dtype=float))


def nights(series: int = 1, sd: float = 0.002, seed: int = 0, count: int = rule.WINDOW) -> np.ndarray:
    return US * np.exp(np.random.default_rng(seed).normal(0, sd, (count, series)))


def test_a_reference_by_hand():
    found = rule.reference(column(99_000, np.nan, 101_000, 100_000, np.nan))
    logs = np.log([99_000, 101_000, 100_000])
    assert found.center_us == pytest.approx(np.exp(logs.mean()))
    assert found.sd == pytest.approx(logs.std(ddof=1))
    assert found.nights == 3


@pytest.mark.parametrize(("center", "floor"), [(1_000_000.0, 0.0002), (1_000.0, 0.001)])
def test_the_sd_has_a_floor(center, floor):
    found = rule.reference(column(*[center] * 14))
    assert found.sd == pytest.approx(floor)
    assert found.raw_sd == pytest.approx(0, abs=1e-12)


def test_the_interval_is_the_one_sided_t_prediction_interval():
    window = nights(sd=0.006)  # so wide that the gate of 1.8 % lies within
    logs = np.log(window[:, 0])
    limit = stats.t.ppf(0.99, 13) * logs.std(ddof=1) * np.sqrt(1 + 1 / 14)
    gate = 1 + 3 * logs.std(ddof=1)
    edge = np.exp(logs.mean()) * max(np.exp(limit), gate)
    before = np.full((2, 1), np.nan)
    assert not judged(window, [edge * 0.9999], before=before).slower[0]
    assert judged(window, [edge * 1.0001], before=before).slower[0]
    assert rule.limit_us(rule.reference(window)) == pytest.approx([edge])


@pytest.mark.parametrize(
    ("level_us", "below", "above"), [(US, US * 1.0099, US * 1.0101), (1_000.0, 1_019.9, 1_020.1)]
)
def test_less_than_one_percent_or_20_microseconds_is_not_a_finding(level_us, below, above):
    window = np.full((14, 1), level_us)
    assert not judged(window, [below]).slower[0]
    assert judged(window, [above]).slower[0]


def test_a_creep_without_noise_is_found_in_night_11():
    pinned = rule.reference(np.full((14, 1), US))
    levels = (
        US * 1.001 ** np.maximum(np.arange(-13, 40), 0)[:, None]
    )  # the last of 14 quiet nights is night 0
    found = [judged(levels[night : night + 14], levels[night + 14], pinned) for night in range(30)]
    assert [bool(item.crept[0]) for item in found].index(True) + 1 == 11
    assert not any(item.slower[0] for item in found), "the latest nights creep along"


def confirmation(window, tonight, again):
    window = np.asarray(window, dtype=float)
    expected = rule.reference(window)
    found = judged(window, tonight)
    return rule.confirmed(found, expected, expected, window[-2:], np.asarray(again, dtype=float))


@pytest.mark.parametrize(("again", "expected"), [(1.02, True), (1.0, False), (np.nan, False)])
def test_a_regression_needs_both_measurements(again, expected):
    assert confirmation(nights(), [US * 1.02], [US * again])[0] == expected


def test_a_confirmation_is_corrected_for_the_candidates_only():
    window = nights(series=30, count=5, seed=3)
    tonight, again = (rule.reference(window).center_us for _ in range(2))
    tonight[0], again[0] = tonight[0] * 1.05, again[0] * 1.012
    assert not judged(window, again).slower[0]
    assert confirmation(window, tonight, again)[0]


windows = st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.floats(0.0003, 0.02)).map(
    lambda made: nights(made[1], made[2], made[0])
)
shifts = st.lists(st.floats(-0.06, 0.06), min_size=6, max_size=6)


def shifted(window: np.ndarray, shift: list[float]) -> np.ndarray:
    return rule.reference(window).center_us * np.exp(shift[: window.shape[1]])


@given(windows, shifts, st.randoms(), st.integers(0, 6))
def test_unit_and_order_of_the_series_do_not_matter(window, shift, random, doublings):
    order = list(range(window.shape[1]))
    random.shuffle(order)
    tonight, scale = shifted(window, shift), 2.0**doublings
    left, right = judged(window, tonight), judged(window[:, order] * scale, tonight[order] * scale)
    for name in ("slower", "faster", "crept", "gained"):
        assert (getattr(left, name)[order] == getattr(right, name)).all()


@given(windows, shifts, st.floats(0.0, 0.5), st.integers(0, 5))
def test_a_slower_time_keeps_the_finding(window, shift, more, which):
    tonight = shifted(window, shift)
    slower = tonight.copy()
    slower[which % tonight.size] *= 1 + more
    before, after = judged(window, tonight), judged(window, slower)
    assert not (before.worse & ~after.worse).any()


def test_at_most_one_night_in_200_has_a_false_alarm():
    regressed, improved = simulation.false_alarms(nights=1000)
    assert regressed <= 5 and improved <= 5


def test_a_slowdown_of_2_percent_is_found_the_same_night():
    assert simulation.power(0.02, trials=300) >= 0.95
    assert simulation.power(0.0, trials=100) == 0
    assert simulation.power(0.02, trials=100, night_sd=0.004) < 0.9


def test_a_creep_is_found_within_15_nights():
    assert np.mean(simulation.creep(0.001, trials=50) <= 15) >= 0.95

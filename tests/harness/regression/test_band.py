import numpy as np
import pytest

from harness.regression import rule
from harness.regression.band import band

LEVEL_US, NIGHTS = 33_000.0, 40


@pytest.fixture
def values():
    return LEVEL_US * np.exp(np.random.default_rng(4).normal(0, 0.002, NIGHTS))


def replayed(values, *, on_level=None, judged=None, series=1):
    everything = np.ones(values.size, dtype=bool)
    return band(
        values,
        everything if on_level is None else on_level,
        everything if judged is None else judged,
        np.full(values.size, series),
    )


def found_on(night, values, value_us, others=0):
    """What the rule says of a value on a night, beside so many quiet series."""
    latest = rule.reference(np.repeat(values[max(night - rule.WINDOW, 0) : night, None], 1 + others, axis=1))
    tonight = np.concatenate([[value_us], latest.center_us[1:]])
    return rule.judge(latest, latest, np.full((rule.RECENT - 1, 1 + others), np.nan), tonight)


@pytest.mark.parametrize("others", [0, 29])
@pytest.mark.parametrize("noise", [0.002, 0.006])
def test_the_band_ends_where_the_rule_begins_to_speak(others, noise):
    values = LEVEL_US * np.exp(np.random.default_rng(4).normal(0, noise, NIGHTS))
    allowed = replayed(values, series=1 + others)
    for night in (rule.FEWEST, 20, NIGHTS - 1):
        high, low = allowed.high_us[night], allowed.low_us[night]
        assert found_on(night, values, high * 1.0001, others).slower[0]
        assert not found_on(night, values, high * 0.9999, others).slower[0]
        assert found_on(night, values, low * 0.9999, others).faster[0]
        assert not found_on(night, values, low * 1.0001, others).faster[0]


def test_no_band_before_there_are_enough_nights(values):
    assert np.isnan(replayed(values).high_us[: rule.FEWEST]).all()
    assert np.isfinite(replayed(values).high_us[rule.FEWEST :]).all()


def test_a_night_that_deviated_moves_nothing(values):
    slow = values.copy()
    slow[20] *= 1.2
    on_level = np.arange(NIGHTS) != 20
    without = replayed(np.delete(values, 20))
    assert replayed(slow, on_level=on_level).center_us[25] == pytest.approx(without.center_us[24])


def test_a_night_without_a_value_still_has_a_band(values):
    values[30] = np.nan
    assert np.isfinite(replayed(values).high_us[30])


def test_nights_that_were_not_judged_have_none(values):
    judged = np.arange(NIGHTS) >= 25
    allowed = replayed(values, judged=judged)
    assert np.isnan(allowed.center_us[:25]).all()
    assert allowed.center_us[25] == pytest.approx(replayed(values).center_us[25])


def test_no_nights_at_all():
    assert replayed(np.zeros(0)).center_us.size == 0

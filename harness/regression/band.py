"""What the rule allowed a timed series on each night of its history: its band, replayed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.regression import rule


@dataclass(frozen=True)
class Band:
    """Between `low_us` and `high_us` nothing is said of a night; (N,) each, NaN where nothing was judged.

    The width is that of a night on which no other series stood out: Holm's first step.

    Attributes:
        center_us: geometric mean of the latest clean nights before.
        low_us, high_us: its prediction interval, or the effect gate where that is wider.
    """

    center_us: np.ndarray
    low_us: np.ndarray
    high_us: np.ndarray


def band(values_us: np.ndarray, on_level: np.ndarray, judged: np.ndarray, series: np.ndarray) -> Band:
    """Replays the rule over nights that may be compared with each other.

    Args:
        values_us: divided by the canary, (N,) in order of time; NaN where there is none.
        on_level: whether the night is a measure of later ones, (N,).
        judged: whether the night was judged against these nights, (N,); the others get no band.
        series: how many were judged together that night, at least 1, (N,).
    """
    clean = on_level & np.isfinite(values_us)
    before = np.concatenate([[0], np.cumsum(clean)[:-1]]) if clean.size else np.zeros(0, dtype=int)
    window = np.full((rule.WINDOW, values_us.size), np.nan)
    measures = values_us[clean]
    for back in range(rule.WINDOW):
        there = before > back
        window[back, there] = measures[before[there] - back - 1]
    shown = judged & (before >= rule.FEWEST)
    expected = rule.reference(window[:, shown])
    # The rule shares its alpha among the series that it is given; here these are nights.
    high = np.full(expected.center_us.shape, np.nan)
    for number in np.unique(series[shown]):
        those = series[shown] == number
        part = rule.reference_of(expected.center_us[those], expected.raw_sd[those], expected.nights[those])
        high[those] = rule.limit_us(part, rule.ALPHA * those.sum() / number)
    # The interval is symmetric in logarithms, the gate in shares.
    low = expected.center_us * np.minimum(expected.center_us / high, 1 - expected.gate)
    return Band(*(_spread(found, shown) for found in (expected.center_us, low, high)))


def _spread(found: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(N,), NaN where nothing is shown."""
    whole = np.full(shown.shape, np.nan)
    whole[shown] = found
    return whole

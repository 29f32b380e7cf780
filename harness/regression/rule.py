"""The rule for times: one value a night, a t prediction interval, Holm, an effect gate, a pinned reference.

Repeats within a night are not independent, so the night is the unit of replication. All functions take the
series of one night together, because Holm corrects for their number; the last axis is the series (S).
NaN stands for a missing value and is never a finding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.stats.pairing import holm

ALPHA = 0.01
"""Probability of a wrong finding among all series of a night, before the effect gate."""
WINDOW, FEWEST = 14, 5
"""Number of latest clean nights in the reference, and the fewest that suffice."""
SD_FLOOR, SD_FLOOR_TICKS = 0.0002, 1.0
"""Smallest standard deviation between nights: a share, for the board's oscillator, and steps of the clock."""
GATE, GATE_SDS, GATE_TICKS = 0.01, 3.0, 20.0
"""Smallest reported effect: the larger of a share and a number of night sds, and at least some steps of the
clock: 20 µs on a microcontroller."""
NOISY_SD = 0.01
"""Series with a larger standard deviation between nights are not judged."""
RECENT = 3
"""Nights whose median is compared with the pinned reference, this one included."""
STILL = 0.5
"""Share of the gate that this night itself must exceed: slow nights that are over are no creep."""
_MEDIAN_OF_3 = 1 - np.sqrt(3) / np.pi
"""Variance of the median of three values of a normal distribution with variance 1."""


@dataclass(frozen=True)
class Reference:
    """The time expected of a night; arrays over the series, (S,)."""

    center_us: np.ndarray  # geometric mean of the nights
    sd: np.ndarray  # standard deviation of the logs between nights, a share; floored
    raw_sd: np.ndarray  # the same without the floor
    nights: np.ndarray  # number of nights
    tick_us: float = 1.0  # step of the board's clock

    @property
    def gate(self) -> np.ndarray:
        """Smallest reported share, (S,)."""
        return np.maximum(np.maximum(GATE, GATE_SDS * self.sd), GATE_TICKS * self.tick_us / self.center_us)

    @property
    def noisy(self) -> np.ndarray:
        """True if nights differ too much to judge one, (S,).

        One step of the clock is a large share of a short stage, which does no harm below the gate's steps.
        """
        least_us = GATE_TICKS * self.tick_us
        return (self.raw_sd > NOISY_SD) & (GATE_SDS * self.raw_sd * self.center_us > least_us)


@dataclass(frozen=True)
class Finding:
    """The findings on a night; arrays over the series, (S,) of bool."""

    slower: np.ndarray
    faster: np.ndarray
    """The night is outside the prediction interval of the latest nights and past the gate."""
    crept: np.ndarray
    gained: np.ndarray
    """The median of the last nights is so against the pinned reference, and this night still deviates in the
    same direction."""

    @property
    def worse(self) -> np.ndarray:
        """True if the series must be measured again."""
        return self.slower | self.crept

    @property
    def better(self) -> np.ndarray:
        """True if the series may be accepted as faster."""
        return (self.faster | self.gained) & ~self.worse


def reference(nights_us: np.ndarray, tick_us: float = 1.0) -> Reference:
    """Compute mean and standard deviation over clean nights, on a logarithmic scale.

    `nights_us` (nights, S) are times in µs, NaN for a night without the series; `tick_us` is the step of
    the board's clock.
    """
    logs = np.log(nights_us)
    measured = np.isfinite(logs)
    nights = measured.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(measured, logs, 0.0).sum(axis=0) / nights
        squares = np.where(measured, logs - mean, 0.0) ** 2
        raw_sd = np.sqrt(squares.sum(axis=0) / np.where(nights > 1, nights - 1, np.nan))
    return reference_of(np.exp(mean), raw_sd, nights, tick_us)


def reference_of(
    center_us: np.ndarray, raw_sd: np.ndarray, nights: np.ndarray, tick_us: float = 1.0
) -> Reference:
    """Return a reference from known figures, (S,) each."""
    floor = np.maximum(SD_FLOOR, SD_FLOOR_TICKS * tick_us / center_us)
    return Reference(center_us, np.fmax(raw_sd, floor), raw_sd, nights, tick_us)


def judge(latest: Reference, pinned: Reference, before_us: np.ndarray, tonight_us: np.ndarray) -> Finding:
    """Compare a night with the latest nights and, with those just before it, with the pinned reference.

    `latest` is of the latest `WINDOW` clean nights, `before_us` (2, S) has the `RECENT` - 1 clean nights
    before this one, `tonight_us` is (S,).
    """
    recent_us = np.median(np.vstack([before_us, tonight_us]), axis=0)  # NaN if a night is missing
    with np.errstate(invalid="ignore"):
        away = tonight_us / pinned.center_us - 1
        still = np.abs(away) >= STILL * pinned.gate
    return Finding(
        slower=_past(latest, 1.0, tonight_us, +1),
        faster=_past(latest, 1.0, tonight_us, -1),
        crept=_past(pinned, _MEDIAN_OF_3, recent_us, +1) & still & (away > 0),
        gained=_past(pinned, _MEDIAN_OF_3, recent_us, -1) & still & (away < 0),
    )


def confirmed(
    finding: Finding, latest: Reference, pinned: Reference, before_us: np.ndarray, again_us: np.ndarray
) -> np.ndarray:
    """Return True where a second measurement, (S,) or NaN, confirms a worse first one, (S,).

    Holm corrects for the candidates alone: the other series are not tested again. See `judge`.
    """
    again = judge(latest, pinned, before_us, np.where(finding.worse, again_us, np.nan))
    return (finding.slower & again.slower) | (finding.crept & again.crept)


def _past(expected: Reference, variance: float, value_us: np.ndarray, sign: int) -> np.ndarray:
    """Return True where a value lies beyond interval and gate: above for +1, below for -1."""
    enough = np.where(expected.nights >= FEWEST, 1.0, np.nan)
    spread = expected.sd * np.sqrt(variance + 1 / np.maximum(expected.nights, 1))
    with np.errstate(invalid="ignore"):
        away = sign * np.log(value_us / expected.center_us) * enough
        p = special.stdtr(np.maximum(expected.nights - 1, 1), -away / spread)
        share = sign * (value_us / expected.center_us - 1)
        return np.asarray((holm(p) <= ALPHA) & (share >= expected.gate))


def limit_us(latest: Reference) -> np.ndarray:
    """Return the slowest time without a finding if no other series has one, (S,).

    This is Holm's first step for series that are all judged, or the gate if that is wider.
    """
    spread = latest.sd * np.sqrt(1 + 1 / latest.nights)
    quantile = special.stdtrit(latest.nights - 1, 1 - ALPHA / latest.nights.size)
    return np.asarray(latest.center_us * np.maximum(np.exp(quantile * spread), 1 + latest.gate))

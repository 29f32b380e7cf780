"""The noise of each series, and the rule's false alarms, on nights of one image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records.verdict import SeriesName
from harness.regression import rule
from harness.regression.canary import canary_of
from harness.regression.epochs import A_A_NIGHTS, clean_us
from harness.regression.nights import Night, merge


@dataclass(frozen=True)
class Noise:
    """A series on nights of one image."""

    name: SeriesName
    image: str  # sha256 of the image that was measured most often
    nights: int  # its nights with a clean canary
    night_sd: float | None  # standard deviation between them, a share; None for one night
    false_alarms: int  # nights that the rule found slower than those before

    @property
    def gates(self) -> bool:
        """True if there are enough nights for the series to gate."""
        return self.nights >= A_A_NIGHTS


@dataclass(frozen=True)
class Repeatability:
    """The noise on nights without a change."""

    series: tuple[Noise, ...]  # sorted by name
    judged: int  # nights with enough nights before them
    alarmed: int  # nights with a false alarm, before any confirmation


def a_a(history: Iterable[Night]) -> Repeatability:
    """Replay the rule over the nights on which each series had the same image.

    For a real board, only nights of the latest uid and procedure count.
    """
    whole = [night for night in merge(history) if night.clean]
    nights = [
        night
        for night in whole
        if (night.uid, night.procedure) == (whole[-1].uid, whole[-1].procedure) and not night.modeled
    ]
    names = sorted({name for night in nights for name in night.times})
    if not names:
        return Repeatability((), 0, 0)
    images = [_commonest(name, nights) for name in names]
    values = _values(nights, names, images)
    alarms = np.zeros(values.shape, dtype=bool)
    judged, tick_us = 0, nights[-1].tick_us
    for index in range(rule.FEWEST, len(nights)):
        latest = rule.reference(_latest(values[:index], rule.WINDOW), tick_us)
        pinned = rule.reference(values[: min(index - rule.RECENT + 1, rule.WINDOW)], tick_us)
        found = rule.judge(latest, pinned, values[index - rule.RECENT + 1 : index], values[index])
        alarms[index] = found.worse & ~latest.noisy
        judged += bool((np.isfinite(values[index]) & (latest.nights >= rule.FEWEST)).any())
    noise = rule.reference(values)
    series = tuple(
        Noise(
            name,
            images[index],
            int(noise.nights[index]),
            float(noise.raw_sd[index]) if noise.nights[index] > 1 else None,
            int(alarms[:, index].sum()),
        )
        for index, name in enumerate(names)
    )
    return Repeatability(series, judged, int(alarms.any(axis=1).sum()))


def _commonest(name: SeriesName, nights: Sequence[Night]) -> str:
    return Counter(night.times[name].image for night in nights if name in night.times).most_common(1)[0][0]


def _values(nights: Sequence[Night], names: Sequence[SeriesName], images: Sequence[str]) -> np.ndarray:
    """Return values as (nights, S) in µs, divided by the canary; NaN if the image or the canary differs."""
    values = np.full((len(nights), len(names)), np.nan)
    reference = canary_of(night.canary for night in nights)
    for row, night in enumerate(nights):
        for column, (name, image) in enumerate(zip(names, images, strict=True)):
            if name in night.times and night.times[name].image == image:
                value_us = clean_us(name, night, reference)
                values[row, column] = np.nan if value_us is None else value_us
    return values


def _latest(values: np.ndarray, count: int) -> np.ndarray:
    """Keep the latest `count` values of each series, NaN in place of the others; (nights, S)."""
    rank = np.cumsum(np.isfinite(values)[::-1], axis=0)[::-1]
    return np.where(rank <= count, values, np.nan)

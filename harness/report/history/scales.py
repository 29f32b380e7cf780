"""Axes of plots over nights: limits that a single wild night does not spoil, round figures, dates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from harness.regression.nights import moment

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True)
class Scale:
    """From values to px.

    Attributes:
        low, high: values at the ends, low below high.
        start, end: where these are, px.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Places in px, not limited to the ends; NaN stays NaN."""
        share = (values - self.low) / (self.high - self.low)
        return np.asarray(self.start + share * (self.end - self.start))

    def at(self, value: float) -> float:
        """The place of one value."""
        return float(self(np.array(value)))


def limits(values: np.ndarray, shown: Sequence[float] = (), padding: float = 0.08) -> tuple[float, float]:
    """Where an axis begins and ends.

    Values further from the middle 96 % than one and a half times their span are not waited for.

    Args:
        values: NaN is left out.
        shown: what has to be on it, such as a reference; NaN is left out.
        padding: on both sides, a share.
    """
    there = values[np.isfinite(values)]
    asked = [value for value in shown if math.isfinite(value)]
    if not there.size and not asked:
        return 0.0, 1.0
    if there.size:
        low, high = np.percentile(there, [2, 98])
        reach = 1.5 * (high - low)
        inside = there[(there >= low - reach) & (there <= high + reach)]
        asked += [float(inside.min()), float(inside.max())]
    bottom, top = min(asked), max(asked)
    pad = padding * (top - bottom) or max(abs(top) * 0.005, 0.5)
    return bottom - pad, top + pad


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round figures from `low` to `high`, about so many."""
    rough = (high - low) / max(about, 1)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_texts(values: Sequence[float]) -> list[str]:
    """The figures with as many decimals as tell them apart."""
    decimals = 0
    while decimals < 6 and any(abs(round(value, decimals) - value) > 1e-9 * abs(value) for value in values):
        decimals += 1
    return [f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def date_ticks(starts: Sequence[str], most: int) -> list[tuple[int, str]]:
    """Nights whose dates stand below the axis: firsts of years or months, or every so-manieth night.

    Args:
        starts: of the nights, ISO 8601, ascending.
        most: how many there is room for, at least 1.
    """
    days = [moment(start) for start in starts]
    for months in (1, 2, 3, 6, 12, 24, 60):
        firsts = _firsts(days, months)
        if max(2, most // 2) <= len(firsts) <= most:
            return [(index, _month(days[index], months, at == 0)) for at, index in enumerate(firsts)]
    every = math.ceil(len(days) / most)
    chosen = range(0, len(days), every)
    by_hour = len({days[index].date() for index in chosen}) < len(chosen)
    return [(index, _day(days, index, by_hour, first=index == 0)) for index in chosen]


def _firsts(days: Sequence[datetime], months: int) -> list[int]:
    """The first night of each stretch of so many months that begins within the nights."""
    stretch = [(day.year * 12 + day.month - 1) // months for day in days]
    return [index for index in range(1, len(days)) if stretch[index] != stretch[index - 1]]


def _month(day: datetime, months: int, first: bool) -> str:
    if months >= 12:
        return str(day.year)
    name = _MONTHS[day.month - 1]
    return f"{name} {day.year}" if first or day.month == 1 else name


def _day(days: Sequence[datetime], index: int, by_hour: bool, first: bool) -> str:
    day = days[index]
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    if by_hour:
        return f"{text} {day:%H:%M}"
    return f"{text} {day.year}" if first else text

"""Limits of false accepts and of other words taken for a keyword."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from harness.records.field_record import DetPoint
from harness.stats.statistics import poisson_interval


@dataclass(frozen=True)
class Limits:
    """Limits of a choice."""

    per_hour: float | None = None
    """False accepts in keyword-free audio, which the upper end of their interval has to keep; None for none
    at all in the audio."""
    accepted: float = 0.15  # share of other words taken for a keyword, 0 to 1

    def most_false(self, hours: float) -> int | None:
        """Return the most false accepts in some hours of audio; None if even without one it is too little."""
        if self.per_hour is None:
            return 0 if hours else None
        # The upper end of the interval grows with the events, and lies above their own rate.
        numbers = range(math.ceil(self.per_hour * hours) + 1)
        most = bisect_right(numbers, self.per_hour, key=lambda events: poisson_interval(events, hours)[1])
        return most - 1 if most else None

    def most_accepted(self, others: int) -> int:
        """Return how many of some other words may be taken for a keyword."""
        return int(round(self.accepted * others, 6))  # 0.29 * 100 is below 29

    def options_beyond(self, narrower: Limits) -> str:
        """Return the options of `earshot tune` that set what differs from narrower limits."""
        options = []
        if self.per_hour != narrower.per_hour:
            options.append(f"--false-accepts {self.per_hour:g}/h")
        if self.accepted != narrower.accepted:
            options.append(f"--other-words {100 * self.accepted:.0f}%")
        return f"`{' '.join(options)}`"

    def keep(self, point: DetPoint) -> bool:
        """Return whether counts are within the limits."""
        most_false, most_accepted = self.most_false(point.hours), self.most_accepted(point.non_keywords)
        within = most_false is not None and point.false_accepts <= most_false
        return within and point.accepted_non_keywords <= most_accepted


def least_rate(events: int, hours: float) -> float:
    """Return the least limit per hour, of three digits, that so many false accepts in some hours keep."""
    rate = poisson_interval(events, hours)[1]
    unit = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return float(f"{math.ceil(rate / unit) * unit:.3g}")

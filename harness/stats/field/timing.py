"""How fast the board was, out of all its inferences: counts of values, so that memory does not grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.records.field_record import FieldTiming
from harness.stats.field.inputs import SegmentHeard

_STAGES = ("preprocess", "inference", "postprocess")
_SAMPLE_RATE = 16_000
_CLOCK = 2**32  # the board's milliseconds wrap


class Tally:
    """Whole numbers with how often each came."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0
        """The sum of all of them."""

    def add(self, values: ArrayLike) -> None:
        """Adds any number of them."""
        numbers, counts = np.unique(np.asarray(values, dtype=np.int64), return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self._counts[number] = self._counts.get(number, 0) + count
            self.total += number * count

    def __len__(self) -> int:
        return sum(self._counts.values())

    def quantile(self, share: float) -> float:
        """The value below which this share (0 to 1) lies, interpolated linearly like numpy's percentile.

        Raises:
            ValueError: there are no values.
        """
        if not self._counts:
            raise ValueError("no values")
        numbers = np.array(sorted(self._counts))
        last = np.cumsum([self._counts[number] for number in numbers.tolist()]) - 1  # place of the last one
        place = share * int(last[-1])
        below, above = (
            int(numbers[np.searchsorted(last, whole)]) for whole in (np.floor(place), np.ceil(place))
        )
        return below + (above - below) * (place - float(np.floor(place)))


class TimingCounter:
    """Adds up segments."""

    def __init__(self) -> None:
        self._periods_ms = Tally()
        self._stages_us = {stage: Tally() for stage in _STAGES}
        self._worked_s = self._busy_us = 0.0
        self._inferences = self._overruns = self._samples_lost = 0

    def add(self, segment: SegmentHeard) -> None:
        """Adds one. A period that spans lost records is none, and is left out."""
        times_ms = np.asarray(segment.times_ms, dtype=np.int64)
        periods_ms = np.diff(times_ms) % _CLOCK
        ends_s = times_ms[1:] / 1000 - segment.sound_starts_s
        whole = np.ones(len(periods_ms), bool)
        for gap in segment.gaps:
            whole &= (ends_s <= gap.begin_s) | (ends_s > gap.end_s)
        self._periods_ms.add(periods_ms[whole])
        stages_us = {stage: np.asarray(segment.stage_us.get(stage, ())) for stage in _STAGES}
        for stage, values in stages_us.items():
            self._stages_us[stage].add(values)
        if len(periods_ms) and all(len(values) == len(times_ms) for values in stages_us.values()):
            # In a period the board works on what it heard in the one before, so both are as long. The
            # inference before the first period belongs to none.
            self._busy_us += float(sum(values[1:][whole].sum() for values in stages_us.values()))
            self._worked_s += periods_ms[whole].sum() / 1000 - segment.row.samples_lost / _SAMPLE_RATE
        self._inferences += len(times_ms)
        self._overruns += segment.overruns
        self._samples_lost += segment.row.samples_lost

    def timing(self) -> FieldTiming | None:
        """The figures; None if there was no second inference in any segment."""
        if not len(self._periods_ms):
            return None
        return FieldTiming(
            period_ms_median=self._periods_ms.quantile(0.5),
            period_ms_p95=self._periods_ms.quantile(0.95),
            period_ms_max=self._periods_ms.quantile(1),
            stage_us={stage: tally.quantile(0.5) for stage, tally in self._stages_us.items() if len(tally)},
            realtime_factor=1e6 * self._worked_s / self._busy_us if self._busy_us else None,
            overruns=self._overruns,
            samples_lost=self._samples_lost,
            inferences=self._inferences,
        )

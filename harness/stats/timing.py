"""Speed of a board over all inferences of a field run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.records.field_record import FieldTiming
from harness.stats.recognizer import CLOCK_WRAP_MS
from harness.stats.segment import PlayedSegment

_STAGES = ("preprocess", "inference", "postprocess")
_SAMPLE_RATE = 16_000


class TimingCounter:
    """Collects the times of segments: 16 bytes per inference."""

    def __init__(self) -> None:
        self._periods_ms: list[NDArray[np.uint32]] = []
        self._stages_us: dict[str, list[NDArray[np.uint32]]] = {stage: [] for stage in _STAGES}
        self._worked_s = self._busy_us = 0.0
        self._inferences = self._overruns = self._samples_lost = 0

    def add(self, segment: PlayedSegment) -> None:
        """Add a segment; periods across lost records are left out."""
        times_ms = np.asarray(segment.times_ms, dtype=np.int64)
        periods_ms = np.diff(times_ms) % CLOCK_WRAP_MS
        ends_s = times_ms[1:] / 1000 - segment.sound_starts_s
        whole = np.ones(len(periods_ms), bool)
        for gap in segment.gaps:
            whole &= (ends_s <= gap.begin_s) | (ends_s > gap.end_s)
        self._periods_ms.append(periods_ms[whole].astype(np.uint32))
        stages_us = {stage: np.asarray(segment.stage_us.get(stage, ()), np.uint32) for stage in _STAGES}
        for stage, values in stages_us.items():
            self._stages_us[stage].append(values)
        if len(periods_ms) and all(len(values) == len(times_ms) for values in stages_us.values()):
            # In a period the board works on the audio of the period before, so both are as long. The
            # inference before the first period belongs to none.
            self._busy_us += float(sum(int(values[1:][whole].sum()) for values in stages_us.values()))
            self._worked_s += periods_ms[whole].sum() / 1000 - segment.row.samples_lost / _SAMPLE_RATE
        self._inferences += len(times_ms)
        self._overruns += segment.overruns
        self._samples_lost += segment.row.samples_lost

    def timing(self) -> FieldTiming | None:
        """Return the figures; None if no segment has a second inference."""
        periods_ms = np.concatenate(self._periods_ms) if self._periods_ms else np.empty(0)
        if not len(periods_ms):
            return None
        median, p95, longest = np.quantile(periods_ms, [0.5, 0.95, 1]).tolist()
        stages_us = {stage: np.concatenate(values) for stage, values in self._stages_us.items()}
        return FieldTiming(
            period_ms_median=median,
            period_ms_p95=p95,
            period_ms_max=longest,
            stage_us={stage: float(np.median(values)) for stage, values in stages_us.items() if len(values)},
            realtime_factor=1e6 * self._worked_s / self._busy_us if self._busy_us else None,
            overruns=self._overruns,
            samples_lost=self._samples_lost,
            inferences=self._inferences,
        )

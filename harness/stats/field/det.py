"""Misses against false accepts over thresholds, out of logged scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.records.field_record import DetPoint
from harness.records.record import DetectionRow
from harness.stats.field.free_time import FreeTime
from harness.stats.field.inputs import FieldWord, Gap
from harness.stats.field.loss import reason_of
from harness.stats.matching import assign, is_keyword
from harness.stats.statistics import poisson_interval, wilson_interval

THRESHOLDS = tuple(range(52, 255, 2))
"""An average is at most 255, and one of 52 is hardly more than chance says of five labels."""


@dataclass
class _Counts:
    misses: int = 0
    keywords: int = 0
    false_accepts: int = 0
    free_s: float = 0.0
    confusions: int = 0
    accepted_non_keywords: int = 0
    non_keywords: int = 0


class DetCounter:
    """Adds up segments.

    Args:
        window_s: a detection counts for a word until so long after its end.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._counts: dict[str, dict[int, _Counts]] = {"": _zero()}

    def add(
        self,
        condition: str,
        words: Sequence[FieldWord],
        gaps: Sequence[Gap],
        audio_s: float,
        heard_at: Callable[[int], Sequence[DetectionRow]],
    ) -> None:
        """Adds a segment.

        Args:
            condition: of it.
            words: that were played.
            gaps: where the averages lack something.
            audio_s: its length.
            heard_at: what is announced at a threshold.
        """
        free = FreeTime(words, gaps, self._window_s, audio_s)
        judged = [not reason_of(word, gaps, self._window_s) for word in words]
        both = [self._counts[""], self._counts.setdefault(condition, _zero())]
        for threshold in THRESHOLDS:
            heard = heard_at(threshold)
            detection_of = assign(words, heard, self._window_s)
            taken = set(detection_of.values())
            false_accepts = sum(
                is_keyword(one.label) and not (free.in_window(one.at_s) or free.in_gap(one.at_s))
                for place, one in enumerate(heard)
                if place not in taken
            )
            for counts in (by_threshold[threshold] for by_threshold in both):
                counts.free_s += free.seconds
                counts.false_accepts += false_accepts
                for place, word in enumerate(words):
                    if judged[place]:
                        label = heard[detection_of[place]].label if place in detection_of else None
                        _count(counts, word.label, label)

    def points(self) -> list[DetPoint]:
        """All thresholds of all conditions together, then those of each, if there are several."""
        groups = self._counts if len(self._counts) > 2 else {"": self._counts[""]}
        return [
            DetPoint(
                threshold=threshold,
                misses=counts.misses,
                keywords=counts.keywords,
                false_accepts=counts.false_accepts,
                hours=counts.free_s / 3600,
                condition=condition,
                confusions=counts.confusions,
                accepted_non_keywords=counts.accepted_non_keywords,
                non_keywords=counts.non_keywords,
            )
            for condition, by_threshold in groups.items()
            for threshold, counts in by_threshold.items()
        ]


@dataclass(frozen=True)
class OperatingPoint:
    """The threshold that misses least among those with few enough false accepts.

    Attributes:
        point: its counts.
        miss_rate: of its keywords, with its 95 % interval `miss_low` to `miss_high`; None without keywords.
        proven: whether even the upper end of the 95 % interval of false accepts is within the limit. Without
            it the audio was too short to tell.
    """

    point: DetPoint
    miss_rate: float | None
    miss_low: float
    miss_high: float
    proven: bool


def operating_point(
    points: Sequence[DetPoint], per_hour: float, condition: str = ""
) -> OperatingPoint | None:
    """The false reject rate at a fixed rate of false accepts.

    Args:
        points: of a record.
        per_hour: false accepts an hour that are allowed.
        condition: "" for all together.

    Returns:
        None if no threshold is that quiet, or nothing was played without keywords.
    """
    within = [
        point
        for point in points
        if point.condition == condition and point.hours > 0 and point.false_accepts <= per_hour * point.hours
    ]
    if not within:
        return None
    best = min(within, key=lambda point: (point.misses, point.false_accepts, -point.threshold))
    low, high = wilson_interval(best.misses, best.keywords)
    return OperatingPoint(
        best,
        best.misses / best.keywords if best.keywords else None,
        low,
        high,
        proven=poisson_interval(best.false_accepts, best.hours)[1] <= per_hour,
    )


def _zero() -> dict[int, _Counts]:
    return {threshold: _Counts() for threshold in THRESHOLDS}


def _count(counts: _Counts, label: str, heard: str | None) -> None:
    if is_keyword(label):
        counts.keywords += 1
        counts.misses += heard != label
        counts.confusions += heard not in (label, None)
    else:
        counts.non_keywords += 1
        counts.accepted_non_keywords += heard is not None and is_keyword(heard)

"""Detection error trade-off: misses against false accepts over thresholds, from logged scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.records.field_record import DetPoint, FieldVariant
from harness.records.record import DetectionRow
from harness.stats.matching import assign, is_keyword, is_right
from harness.stats.rates import false_accept_rate
from harness.stats.segment import FieldWord, FreeTime, Gap, loss_reason

THRESHOLDS = tuple(range(52, 255, 2))
"""An average is at most 255; 52 is hardly more than chance among five labels."""
_COUNTS = ("misses", "keywords", "false_accepts", "confusions", "accepted_non_keywords", "non_keywords")


class DetCounter:
    """Counts of misses and false accepts per threshold, added up over segments.

    A detection counts for a word until `window_s` after its end.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._free_s = 0.0
        self._counts = {threshold: dict.fromkeys(_COUNTS, 0) for threshold in THRESHOLDS}

    def add(
        self,
        words: Sequence[FieldWord],
        gaps: Sequence[Gap],
        audio_s: float,
        detections_at: Callable[[int], Sequence[DetectionRow]],
    ) -> None:
        """Add a segment, in whose gaps the averages lack something."""
        free = FreeTime(words, gaps, self._window_s, audio_s)
        self._free_s += free.seconds
        judged = [place for place, word in enumerate(words) if not loss_reason(word, gaps, self._window_s)]
        for threshold, counts in self._counts.items():
            detections = detections_at(threshold)
            detection_of = assign(words, detections, self._window_s)
            taken = set(detection_of.values())
            counts["false_accepts"] += sum(
                is_keyword(one.label) and not (free.in_window(one.at_s) or free.in_gap(one.at_s))
                for place, one in enumerate(detections)
                if place not in taken
            )
            for place in judged:
                detected = detections[detection_of[place]].label if place in detection_of else None
                if is_keyword(label := words[place].label):
                    counts["keywords"] += 1
                    counts["misses"] += detected != label
                    counts["confusions"] += detected not in (label, None)
                else:
                    counts["non_keywords"] += 1
                    counts["accepted_non_keywords"] += not is_right(label, detected)

    def points(self) -> list[DetPoint]:
        """Return a point for each threshold, ascending."""
        hours = self._free_s / 3600
        return [DetPoint(threshold, hours=hours, **counts) for threshold, counts in self._counts.items()]


def used_point(variant: FieldVariant, threshold: int | None) -> DetPoint:
    """Return the counts at the threshold that was used for all labels; None: the recognizer's own ones."""
    counted = [row for row in variant.stimuli if row.counts]
    keywords = [row for row in counted if is_keyword(row.label)]
    false_accepts = false_accept_rate(variant)
    return DetPoint(
        variant.recognizer.threshold if threshold is None else threshold,
        misses=sum(not row.correct for row in keywords),
        keywords=len(keywords),
        false_accepts=false_accepts.events,
        hours=false_accepts.hours,
        confusions=sum(row.detected not in (row.label, None) for row in keywords),
        accepted_non_keywords=sum(not row.correct for row in counted if not is_keyword(row.label)),
        non_keywords=len(counted) - len(keywords),
    )


def operating_point(points: Sequence[DetPoint], per_hour: float) -> DetPoint | None:
    """Return the point with the fewest misses within a rate of false accepts.

    Returns:
        None if no threshold has so few, or no keyword-free audio was played.
    """
    within = [point for point in points if point.hours > 0 and point.false_accepts <= per_hour * point.hours]
    return min(within, key=lambda point: (point.misses, point.false_accepts, -point.threshold), default=None)

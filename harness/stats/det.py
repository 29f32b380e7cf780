"""Detection error trade-off: misses against false accepts over thresholds, from logged scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from harness.recognizer import Recognizer
from harness.records.field_record import DetPoint, FieldVariant
from harness.stats.matching import is_keyword
from harness.stats.rates import false_accept_rate
from harness.stats.segment import PlayedSegment
from harness.stats.tuning.judging import Judge
from harness.stats.tuning.log import FOLDS, read_log

THRESHOLDS = tuple(range(52, 255, 2))
"""An average is at most 255; 52 is hardly more than chance among five labels."""


class DetCounter:
    """Counts per threshold of all labels, added up over segments; see `harness.stats.tuning.log.read_log`."""

    def __init__(self, labels: Sequence[str], recognizer: Recognizer, window_s: float) -> None:
        self._log_of = partial(read_log, labels, window_s=window_s, present=recognizer)
        self._recognizers = [replace(recognizer, threshold=score, thresholds={}) for score in THRESHOLDS]
        self._counts = np.zeros((len(THRESHOLDS), FOLDS, 3), np.int64)
        self._keywords = self._others = 0
        self._hours = np.zeros(FOLDS)

    def add(self, segment: PlayedSegment) -> None:
        log = self._log_of(segments=[segment])
        (averages,) = log.averages(self._recognizers[:1])
        self._counts += [Judge(log, averages, one).judge(one).counts for one in self._recognizers]
        self._keywords += log.words.keywords
        self._others += log.words.others
        self._hours += log.hours

    def points(self) -> list[DetPoint]:
        """Return a point for each threshold, ascending."""
        hours = float(self._hours.sum())
        return [
            DetPoint(threshold, missed, self._keywords, false, hours, accepted, self._others)
            for threshold, (missed, false, accepted) in zip(
                THRESHOLDS, self._counts.sum(axis=1).tolist(), strict=True
            )
        ]


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

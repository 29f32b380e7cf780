"""Judging of recognizers by three counts.

The counts are keywords that a recognizer misses, keywords that it detects in keyword-free audio, and other
words that it takes for a keyword.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.recognizer import Recognizer
from harness.records.field_record import DetPoint
from harness.stats.recognizer import Averages, unsuppressed
from harness.stats.tuning.log import FOLDS, OTHER, Log

MISSED, FALSE, ACCEPTED = range(3)
"""Places of the counts: keywords missed, false accepts, other words accepted."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Words and counts of one recognizer."""

    right: NDArray[np.bool_]  # (W,), a keyword detected as itself, another word not taken for a keyword
    counts: NDArray[np.int64]  # (FOLDS, 3)


@dataclass(frozen=True)
class Candidate:
    """A recognizer with its counts; the threshold of the point is meaningless."""

    recognizer: Recognizer
    point: DetPoint


class Judge:
    """A judge of all recognizers with one average in a log, which keeps only what some threshold admits.

    `lowest` has the lowest thresholds of keywords that are judged. Its thresholds of silence and unknown hold
    for all recognizers.
    """

    def __init__(self, log: Log, averages: Averages, lowest: Recognizer) -> None:
        self._log = log
        of_keywords = np.isin(averages.labels, [log.labels.index(label) for label in log.keywords])
        above = averages.scores > np.asarray(lowest.thresholds_of(log.labels))[averages.labels]
        (self._places,) = np.nonzero(of_keywords & above)
        self._times_ms = averages.times_ms[self._places]
        self._labels = averages.labels[self._places].astype(np.int64)
        self._scores = averages.scores[self._places]
        # An average of another label above its threshold ends the suppression of the keyword before it.
        self._breaks = np.cumsum(~of_keywords & above)[self._places]

    def judge(self, recognizer: Recognizer) -> Judged:
        """Detect with a recognizer, and count."""
        log, words = self._log, self._log.words
        thresholds = np.asarray(recognizer.thresholds_of(log.labels))
        (above,) = np.nonzero(self._scores > thresholds[self._labels])
        labels, breaks = self._labels[above], self._breaks[above]
        changes = (labels[1:] != labels[:-1]) | (breaks[1:] != breaks[:-1])
        found = above[unsuppressed(self._times_ms[above], changes, recognizer.suppression_ms)]
        folds = log.free_folds[self._places[found]]
        # With an end, a word behind the last detection has a first one too.
        places = np.append(self._places[found], len(log.free_folds))
        first = np.searchsorted(places, words.begins)
        detected = np.append(self._labels[found], OTHER)[first]
        right = np.where(places[first] < words.ends, detected, OTHER) == words.labels
        spoken = words.are_keywords
        of_counts = words.folds[~right & spoken], folds[folds >= 0], words.folds[~right & ~spoken]
        return Judged(right, np.stack([np.bincount(each, minlength=FOLDS) for each in of_counts], axis=1))


def judge(log: Log, recognizer: Recognizer) -> Judged:
    """Detect with one recognizer, and count."""
    (averages,) = log.averages([recognizer])
    return Judge(log, averages, recognizer).judge(recognizer)


def point(log: Log, counts: NDArray[np.int64]) -> DetPoint:
    """Return the counts (FOLDS, 3) of all folds, with those of words and hours."""
    missed, false, accepted = counts.sum(axis=0).tolist()
    return DetPoint(
        0,
        misses=missed,
        keywords=log.words.keywords,
        false_accepts=false,
        hours=log.total_hours,
        accepted_non_keywords=accepted,
        non_keywords=log.words.others,
    )

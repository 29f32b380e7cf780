"""The board's command recognizer on the host, bit-exact, for whole logs at any threshold.

The algorithm and its parameters are those of sketches/libraries/EarshotRecognizer/src/recognizer.h. Averages
do not depend on the threshold: they are computed once, and only the suppression is repeated per threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.segment import FIRST_SLICE_MS, SLICE_MS

THRESHOLD = 200
"""The board's threshold, of 255; an average has to exceed it."""
AVERAGE_MS = 1000
SUPPRESSION_MS = 1500
"""A label is not detected again within this time."""

_SHORTEST_AVERAGE_MS = AVERAGE_MS // 4
_FEWEST_RESULTS = 3
_MOST_RESULTS = AVERAGE_MS // 20 + 2
CLOCK_WRAP_MS = 2**32
"""The board's milliseconds wrap."""


@dataclass(frozen=True, eq=False)
class Averages:
    """The recognizer's averages at N inferences of a log."""

    times_ms: NDArray[np.int64]  # (N,), ascending, the clock's wrapping undone
    labels: NDArray[np.uint8]  # (N,), the label with the highest average
    scores: NDArray[np.uint8]  # (N,), that average; 0 where there are too few results


def average(times_ms: ArrayLike, scores: ArrayLike) -> Averages:
    """Return the averages at every inference of a log that begins with a reset recognizer.

    `times_ms` (N,) are the board's clock, modulo 2^32; `scores` (N, labels) are 0 to 255.
    """
    clock = np.asarray(times_ms, dtype=np.int64)
    values = np.asarray(scores, dtype=np.int64)
    if not len(clock):
        return Averages(clock, np.empty(0, np.uint8), np.empty(0, np.uint8))
    times = clock[0] + np.concatenate([[0], np.cumsum(np.diff(clock) % CLOCK_WRAP_MS)])
    places = np.arange(len(times))
    # The board only ever drops its oldest result, so its queue is this part of the log.
    begins = np.maximum(np.searchsorted(times, times - AVERAGE_MS), places - (_MOST_RESULTS - 1))
    counts = places + 1 - begins
    totals = np.concatenate([np.zeros((1, values.shape[1]), np.int64), np.cumsum(values, axis=0)])
    averages = (totals[1:] - totals[begins]) // counts[:, None]
    enough = (counts >= _FEWEST_RESULTS) & (times - times[begins] >= _SHORTEST_AVERAGE_MS)
    best = np.where(enough, averages.max(axis=1), 0)
    return Averages(times, averages.argmax(axis=1).astype(np.uint8), best.astype(np.uint8))


def detect(averages: Averages, silence: int | None, threshold: int = THRESHOLD) -> Averages:
    """Return the averages at which a recognizer with this threshold (0 to 255) detects a keyword.

    The label of silence, if there is one, is never detected; it ends the suppression of the label before it.
    """
    above = np.flatnonzero(averages.scores > threshold)
    labels = averages.labels[above]
    times = averages.times_ms[above]
    # Each average above the threshold is either detected or suppressed by its own label: a run of one label
    # begins with a detection, and suppression happens only within the run.
    edges = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    found: list[int] = []
    for begin, end in pairwise([0, *edges.tolist(), len(above)]):
        if begin == end or labels[begin] == silence:
            continue
        place = begin
        while place < end:
            found.append(place)
            place += int(np.searchsorted(times[place:end], times[place] + SUPPRESSION_MS, side="right"))
    places = above[found] if found else np.empty(0, np.int64)
    return Averages(averages.times_ms[places], averages.labels[places], averages.scores[places])


def replay(slice_scores: NDArray[np.uint8]) -> Averages:
    """Return the averages of a board with an inference at every slice of features.

    `slice_scores` (S, labels) are of the newest second at the end of each slice; times are of the sound.
    """
    return average(FIRST_SLICE_MS + SLICE_MS * np.arange(len(slice_scores)), slice_scores)

"""The board's command recognizer on the host, bit by bit, and over whole logs at any threshold.

The algorithm and its parameters are those of sketches/libraries/EarshotRecognizer/src/recognizer.h. Averages
do not depend on the threshold: they are made once, and only the suppression is gone through again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

THRESHOLD = 200
"""Of the board; an average has to exceed it, of 255."""
AVERAGE_MS = 1000
SUPPRESSION_MS = 1500
"""The same label is not announced again within it."""

_SHORTEST_AVERAGE_MS = AVERAGE_MS // 4
_FEWEST_RESULTS = 3
_MOST_RESULTS = AVERAGE_MS // 20 + 2
_CLOCK = 2**32  # the board's milliseconds wrap


@dataclass(frozen=True, eq=False)
class Averages:
    """What the recognizer makes of a log before it asks for the threshold.

    Attributes:
        times_ms: (N,) int64, ascending, without the clock's wrapping.
        labels: (N,) uint8, the label with the highest average.
        scores: (N,) uint8, that average; 0 where there are too few results.
    """

    times_ms: NDArray[np.int64]
    labels: NDArray[np.uint8]
    scores: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Announced:
    """What is announced of a log.

    Attributes:
        places: (D,) int64, of the inferences after which it was announced.
        times_ms: (D,) int64.
        labels: (D,) uint8, never 0.
        scores: (D,) uint8, averages.
    """

    places: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    labels: NDArray[np.uint8]
    scores: NDArray[np.uint8]


def average(times_ms: ArrayLike, scores: ArrayLike) -> Averages:
    """The averages at every inference of a log that begins with a reset recognizer.

    Args:
        times_ms: (N,) of the board's clock, modulo 2^32, each less than 2^31 ms after the one before.
        scores: (N, labels), 0 to 255.
    """
    clock = np.asarray(times_ms, dtype=np.int64)
    values = np.asarray(scores, dtype=np.int64)
    if not len(clock):
        return Averages(clock, np.empty(0, np.uint8), np.empty(0, np.uint8))
    times = clock[0] + np.concatenate([[0], np.cumsum(np.diff(clock) % _CLOCK)])
    places = np.arange(len(times))
    # The board only ever drops its oldest result, so its queue is this stretch of the log.
    begins = np.maximum(np.searchsorted(times, times - AVERAGE_MS), places - (_MOST_RESULTS - 1))
    counts = places + 1 - begins
    totals = np.concatenate([np.zeros((1, values.shape[1]), np.int64), np.cumsum(values, axis=0)])
    averages = (totals[1:] - totals[begins]) // counts[:, None]
    enough = (counts >= _FEWEST_RESULTS) & (times - times[begins] >= _SHORTEST_AVERAGE_MS)
    best = np.where(enough, averages.max(axis=1), 0)
    return Averages(times, averages.argmax(axis=1).astype(np.uint8), best.astype(np.uint8))


def announce(averages: Averages, threshold: int = THRESHOLD) -> Announced:
    """What a recognizer with this threshold announces.

    Args:
        averages: of `average`.
        threshold: 0 to 255.
    """
    above = np.flatnonzero(averages.scores > threshold)
    labels = averages.labels[above]
    times = averages.times_ms[above]
    # Whatever is above the threshold is either announced or suppressed by its own label: a run of one label
    # begins with an announcement, and only within it something is suppressed.
    edges = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    found: list[int] = []
    for begin, end in pairwise([0, *edges.tolist(), len(above)]):
        if begin == end or labels[begin] == 0:
            continue
        place = begin
        while place < end:
            found.append(place)
            place += int(np.searchsorted(times[place:end], times[place] + SUPPRESSION_MS, side="right"))
    places = above[found] if found else np.empty(0, np.int64)
    return Announced(places, averages.times_ms[places], averages.labels[places], averages.scores[places])

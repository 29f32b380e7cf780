"""The board's command recognizer on the host, bit-exact, for whole logs.

The algorithm is that of sketches/libraries/EarshotRecognizer/src/recognizer.h. Averages do not depend on the
thresholds: they are computed once, and only the suppression is repeated for other thresholds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.recognizer import DEFAULT, Recognizer
from harness.stats.segment import FIRST_SLICE_MS, SLICE_MS

CLOCK_WRAP_MS = 2**32
"""The board's milliseconds wrap."""

_FRACTION_BITS = 10
_LONGEST_STEP_MS = 4095
_FEW_RUNS = 8
"""A step of that many runs takes as long one by one as at once, 9 µs. Without suppression, each inference of
a long run is a detection."""


@dataclass(frozen=True, eq=False)
class Averages:
    """The recognizer's averages at N inferences of a log."""

    times_ms: NDArray[np.int64]  # (N,), ascending, the clock's wrapping undone
    labels: NDArray[np.uint8]  # (N,), the label with the highest average
    scores: NDArray[np.uint8]  # (N,), that average; 0 where there are too few results


def average(times_ms: ArrayLike, scores: ArrayLike, recognizer: Recognizer = DEFAULT) -> Averages:
    """Return the averages at every inference of a log that begins with a reset recognizer.

    `times_ms` (N,) are the board's clock, modulo 2^32; `scores` (N, labels) are 0 to 255.
    """
    (found,) = averages_of(times_ms, scores, [recognizer])
    return found


def averages_of(
    times_ms: ArrayLike, scores: ArrayLike, recognizers: Sequence[Recognizer]
) -> Iterator[Averages]:
    """Yield the averages of several recognizers of one log; see `average`."""
    times, values = unwrapped(times_ms), np.asarray(scores, dtype=np.int64)
    for recognizer in recognizers:
        if recognizer.smoothing == "mean":
            averages, enough = _means(times, values, recognizer)
        else:
            averages = _exponential(times, values, recognizer.window_ms)
            enough = np.arange(1, len(times) + 1) >= recognizer.fewest_results
        best = np.where(enough, averages.max(axis=1), 0)
        yield Averages(times, averages.argmax(axis=1).astype(np.uint8), best.astype(np.uint8))


def unwrapped(times_ms: ArrayLike) -> NDArray[np.int64]:
    """Return the times of the board's clock without its wrapping."""
    clock = np.asarray(times_ms, dtype=np.int64)
    times = clock[:1].repeat(len(clock))
    times[1:] += np.cumsum(np.diff(clock) % CLOCK_WRAP_MS)
    return times


def _means(
    times: NDArray[np.int64], values: NDArray[np.int64], recognizer: Recognizer
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the means of each label (N, labels), and where there are enough results (N,)."""
    places = np.arange(len(times))
    # The board only ever drops its oldest result, so its queue is this part of the log.
    begins = np.maximum(
        np.searchsorted(times, times - recognizer.window_ms), places - (recognizer.most_results - 1)
    )
    counts = places + 1 - begins
    totals = np.concatenate([np.zeros((1, values.shape[1]), np.int64), np.cumsum(values, axis=0)])
    enough = counts >= recognizer.fewest_results
    enough &= times - times[begins] >= recognizer.window_ms // 4
    return (totals[1:] - totals[begins]) // counts[:, None], enough


def _exponential(times: NDArray[np.int64], values: NDArray[np.int64], constant_ms: int) -> NDArray[np.int64]:
    """Return the exponential averages (N, labels) of a time constant, in the board's fixed point."""
    steps = np.minimum(np.diff(times, prepend=times[:1] - SLICE_MS), _LONGEST_STEP_MS)
    lengths = (steps + constant_ms).tolist()
    found = np.empty_like(values)
    # Each state needs the one before it; arrays of a few labels would take ten times as long as integers.
    for label, weighted in enumerate(((values << _FRACTION_BITS) * steps[:, None]).T.tolist()):
        state, states = 0, []
        for addend, length in zip(weighted, lengths, strict=True):
            state = (state * constant_ms + addend) // length
            states.append(state)
        found[:, label] = states
    return (found + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS


def detect(averages: Averages, labels: Sequence[str], recognizer: Recognizer = DEFAULT) -> Averages:
    """Return the averages at which a recognizer with these thresholds detects one of the model's labels.

    The label "silence", if there is one, is never detected; it ends the suppression of the label before it.
    """
    thresholds = np.asarray(recognizer.thresholds_of(labels))
    above = np.flatnonzero(averages.scores > thresholds[averages.labels])
    best, times_ms = averages.labels[above], averages.times_ms[above]
    found = unsuppressed(times_ms, best[1:] != best[:-1], recognizer.suppression_ms)
    if "silence" in labels:
        found = found[best[found] != labels.index("silence")]
    return Averages(times_ms[found], best[found], averages.scores[above[found]])


def unsuppressed(
    times_ms: NDArray[np.int64], changes: NDArray[np.bool_], suppression_ms: int
) -> NDArray[np.int64]:
    """Return the places of the detections among averages above their thresholds, in ascending order.

    `times_ms` (N,) are ascending; `changes` (N - 1,) tell where a run of one label ends. An average is either
    detected or suppressed by its own label: a run begins with a detection, and suppression happens within it.
    """
    edges = np.flatnonzero(changes) + 1
    latest = np.concatenate([[0], edges])[: len(times_ms)]
    ends = np.concatenate([edges, [len(times_ms)]])[: len(times_ms)]
    found = []
    # One detection of each run at a time: its first one, then the next one beyond the suppression.
    while len(latest) > _FEW_RUNS:
        found.append(latest)
        following = np.searchsorted(times_ms, times_ms[latest] + suppression_ms, side="right")
        latest, ends = following[following < ends], ends[following < ends]
    times, last = times_ms.data, []
    for place, end in zip(latest.tolist(), ends.tolist(), strict=True):
        while place < end:
            last.append(place)
            place = bisect_right(times, times[place] + suppression_ms, place + 1, end)
    return np.sort(np.concatenate([*found, np.array(last, np.int64)]))


def replay(slice_scores: NDArray[np.uint8], recognizer: Recognizer = DEFAULT) -> Averages:
    """Return the averages of a board with an inference at every slice of features.

    `slice_scores` (S, labels) are of the newest second at the end of each slice; times are of the sound.
    """
    times_ms = FIRST_SLICE_MS + SLICE_MS * np.arange(len(slice_scores))
    return average(times_ms, slice_scores, recognizer)

"""The recognizer as in the sketch, one result at a time: the oracle of the vectorized one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from harness.stats.recognizer import THRESHOLD


class Recognizer:
    """A recognizer that takes one result at a time and never detects silence, a label or -1."""

    def __init__(self, labels: int, silence: int, threshold: int = THRESHOLD) -> None:
        self._silence, self._threshold = silence, threshold
        self._results: deque[tuple[int, Sequence[int]]] = deque()
        self._sums = [0] * labels
        self._detected, self._detected_ms = silence, 0

    def add(self, time_ms: int, scores: Sequence[int]) -> tuple[int, int] | None:
        """Take the scores of an inference; return the detected label with its average, or None."""
        if len(self._results) == 52:
            self._drop_oldest()
        self._results.append((time_ms, scores))
        self._sums = [total + score for total, score in zip(self._sums, scores, strict=True)]
        while (time_ms - self._results[0][0]) % 2**32 > 1000:
            self._drop_oldest()
        count = len(self._results)
        if count < 3 or (time_ms - self._results[0][0]) % 2**32 < 250:
            return None
        averages = [total // count for total in self._sums]
        average = max(averages)
        label = averages.index(average)
        if average <= self._threshold:
            return None
        since_ms = (time_ms - self._detected_ms) % 2**32
        if label == self._detected and label != self._silence and since_ms <= 1500:
            return None
        self._detected, self._detected_ms = label, time_ms
        return (label, average) if label != self._silence else None

    def _drop_oldest(self) -> None:
        _, scores = self._results.popleft()
        self._sums = [total - score for total, score in zip(self._sums, scores, strict=True)]

"""The recognizer as the sketch has it, one result after the other and with any threshold: the oracle."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from harness.stats.field.recognizer import THRESHOLD


class Recognizer:
    """Takes one result after the other, as the board does.

    Label 0 is silence: it ends the suppression of the label before it, and is never announced.

    Args:
        labels: how many there are.
        threshold: 0 to 255.
    """

    def __init__(self, labels: int, threshold: int = THRESHOLD) -> None:
        self._threshold = threshold
        self._results: deque[tuple[int, Sequence[int]]] = deque()
        self._sums = [0] * labels
        self._announced, self._announced_ms = 0, 0

    def add(self, time_ms: int, scores: Sequence[int]) -> tuple[int, int] | None:
        """Takes the result of an inference.

        Args:
            time_ms: of the board's clock, modulo 2^32; not before the last one's.
            scores: 0 to 255 for each label.

        Returns:
            The label that is announced, with its average; None if none is.
        """
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
        since_ms = (time_ms - self._announced_ms) % 2**32
        if label == self._announced and label != 0 and since_ms <= 1500:
            return None
        self._announced, self._announced_ms = label, time_ms
        return (label, average) if label != 0 else None

    def _drop_oldest(self) -> None:
        _, scores = self._results.popleft()
        self._sums = [total - score for total, score in zip(self._sums, scores, strict=True)]

"""The recognizer as in the sketch, one result at a time: the oracle of the vectorized one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from harness.recognizer import DEFAULT, Recognizer


class SteppedRecognizer:
    """A recognizer that takes one result at a time and never detects "silence"."""

    def __init__(self, labels: Sequence[str], parameters: Recognizer = DEFAULT) -> None:
        self._parameters, self._thresholds = parameters, parameters.thresholds_of(labels)
        self._silence = list(labels).index("silence") if "silence" in labels else -1
        self._results: deque[tuple[int, Sequence[int]]] = deque()
        self._sums = [0] * len(labels)
        self._last_ms = self._count = 0
        self._detected, self._detected_ms = self._silence, 0

    def add(self, time_ms: int, scores: Sequence[int]) -> tuple[int, int] | None:
        """Take the scores of an inference; return the detected label with its average, or None."""
        mean = self._parameters.smoothing == "mean"
        averages = self._mean(time_ms, scores) if mean else self._exponential(time_ms, scores)
        if averages is None:
            return None
        average = max(averages)
        label = averages.index(average)
        if average <= self._thresholds[label]:
            return None
        since_ms = (time_ms - self._detected_ms) % 2**32
        repeated = label == self._detected and label != self._silence
        if repeated and since_ms <= self._parameters.suppression_ms:
            return None
        self._detected, self._detected_ms = label, time_ms
        return (label, average) if label != self._silence else None

    def _mean(self, time_ms: int, scores: Sequence[int]) -> list[int] | None:
        if len(self._results) == self._parameters.most_results:
            self._drop_oldest()
        self._results.append((time_ms, scores))
        self._sums = [total + score for total, score in zip(self._sums, scores, strict=True)]
        while (time_ms - self._results[0][0]) % 2**32 > self._parameters.window_ms:
            self._drop_oldest()
        count, span_ms = len(self._results), (time_ms - self._results[0][0]) % 2**32
        if count < self._parameters.fewest_results or span_ms < self._parameters.window_ms // 4:
            return None
        return [total // count for total in self._sums]

    def _exponential(self, time_ms: int, scores: Sequence[int]) -> list[int] | None:
        step_ms = min((time_ms - self._last_ms) % 2**32, 4095) if self._count else 20
        self._last_ms = time_ms
        self._count += 1
        constant_ms = self._parameters.window_ms
        self._sums = [
            (total * constant_ms + 1024 * score * step_ms) // (constant_ms + step_ms)
            for total, score in zip(self._sums, scores, strict=True)
        ]
        enough = self._count >= self._parameters.fewest_results
        return [(total + 512) // 1024 for total in self._sums] if enough else None

    def _drop_oldest(self) -> None:
        _, scores = self._results.popleft()
        self._sums = [total - score for total, score in zip(self._sums, scores, strict=True)]

"""The time of a segment in which nobody speaks: a keyword that is announced then is a false accept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from harness.stats.field.inputs import FieldWord, Gap


class FreeTime:
    """What is left of a segment's audio without the windows of its words and without its gaps.

    Words that are no keywords have windows too: what is announced for them is counted there.

    Args:
        words: that were played.
        gaps: where something was lost.
        window_s: a detection counts for a word until so long after its end.
        audio_s: length of the segment.

    Attributes:
        seconds: of free time.
    """

    def __init__(
        self, words: Sequence[FieldWord], gaps: Sequence[Gap], window_s: float, audio_s: float
    ) -> None:
        self._gaps = gaps
        windows = [(word.onset_s, word.end_s + window_s) for word in words]
        self._windows = _merged(windows)
        self._begins = [begin for begin, _ in self._windows]
        taken = _merged([*windows, *((gap.begin_s, gap.end_s) for gap in gaps)])
        self.seconds = audio_s - sum(max(0.0, min(end, audio_s) - max(begin, 0.0)) for begin, end in taken)

    def in_window(self, at_s: float) -> bool:
        """Whether a moment belongs to a word."""
        place = bisect_right(self._begins, at_s) - 1
        return place >= 0 and at_s <= self._windows[place][1]

    def in_gap(self, at_s: float) -> bool:
        """Whether a moment lies between a record that arrived and the next one that did."""
        return any(gap.begin_s < at_s < gap.end_s for gap in self._gaps)


def _merged(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Ascending, without overlaps."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(stretches):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged

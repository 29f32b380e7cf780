"""Lost records of a segment: the words they touch, and the time in which false accepts can be counted."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.stats.recognizer import AVERAGE_MS
from harness.stats.segment import FieldWord, Gap


@dataclass
class _Hole:
    begin_s: float
    end_s: float
    records: int
    reason: str


class GapFinder:
    """Finds the gaps in a stream of records, fed in order.

    The type of a lost record is unknown: a detection may have been in it, at any time from the record before
    the gap to the one after it.
    """

    def __init__(self) -> None:
        self._holes: list[_Hole] = []
        self._open: _Hole | None = None  # its next record has not come
        self._last_s = -math.inf
        self._late = 0
        self._unlocated = 0

    def lost(self, records: int, reason: str) -> None:
        """Take a loss.

        Args:
            records: number of lost records; 0 if that shows later, -1 for a record that did arrive, late:
                `arrived` follows.
            reason: as `harness.link.events.Loss` names it. The place of a loss found by "totals" is unknown.
        """
        if reason == "late":
            self._late += 1
        elif reason == "totals":
            self._unlocated += records
        elif records > 0:
            if self._open is None:
                self._open = _Hole(self._last_s, math.inf, 0, reason)
                self._holes.append(self._open)
            self._open.records += records
            self._open.reason = reason

    def arrived(self, at_s: float) -> None:
        """Take a record that arrived whole, with its time in seconds of the segment's sound."""
        if self._late:
            self._late -= 1
            self._fill(at_s)
            return
        self._last_s = at_s
        if self._open is not None:
            self._open.end_s = at_s
            self._open = None

    def gaps(self) -> tuple[Gap, ...]:
        """Return the gaps of the whole stream; one that the stream ends in reaches to infinity."""
        found = [Gap(hole.begin_s, hole.end_s, _text(hole)) for hole in self._holes if hole.records]
        if self._unlocated:
            found.append(Gap(-math.inf, math.inf, f"{self._unlocated} records lost at unknown times"))
        return tuple(found)

    def _fill(self, at_s: float) -> None:
        for hole in reversed(self._holes):
            if hole.records and hole.begin_s <= at_s <= hole.end_s:
                hole.records -= 1
                return


def _text(hole: _Hole) -> str:
    if hole.reason == "no end":
        return "the transcript breaks off"
    return f"{hole.records} record{'s' * (hole.records > 1)} lost"


def extend_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Extend gaps by the time for which a recomputed average lacks the lost scores.

    The board's own detections after a gap are right; those recomputed from logged scores are not, that long.
    """
    return tuple(replace(gap, end_s=gap.end_s + AVERAGE_MS / 1000) for gap in gaps)


def loss_reason(word: FieldWord, gaps: Sequence[Gap], window_s: float) -> str:
    """Return the reason of the first gap between a word's onset and the end of its window, or ""."""
    return next(
        (gap.reason for gap in gaps if gap.begin_s <= word.end_s + window_s and gap.end_s >= word.onset_s), ""
    )


class FreeTime:
    """A segment's audio outside of the windows of its words and outside of its gaps.

    Non-keywords have windows too: detections in them count for the word.

    Args:
        words: words that were played.
        gaps: times in which records were lost.
        window_s: a detection counts for a word until this long after its end.
        audio_s: length of the segment.

    Attributes:
        seconds: total free time.
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
        """Return whether a time lies in a word's window."""
        place = bisect_right(self._begins, at_s) - 1
        return place >= 0 and at_s <= self._windows[place][1]

    def in_gap(self, at_s: float) -> bool:
        """Return whether a time lies strictly within a gap, whose ends are records that arrived."""
        return any(gap.begin_s < at_s < gap.end_s for gap in self._gaps)


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged

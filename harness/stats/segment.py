"""Results of one segment of a playback plan on one board, and the records that were lost in it.

Times in seconds are of audio since the beginning of the segment's sound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.records.field_record import FieldSegment
from harness.records.record import DetectionRow

SLICE_MS, FIRST_SLICE_MS = 20, 30
"""A slice of features needs 30 ms of audio, each further one 20 ms more."""


@dataclass(frozen=True)
class Answer:
    """The label with the highest score, and that score on the board's scale, 0 to 255."""

    label: str
    score: int


@dataclass(frozen=True)
class Answers:
    """The host model's answers for a word, each of one second and without the recognizer."""

    clip: Answer  # the sound as played, features of a front end that was reset before it
    clean: Answer  # the recording without room, noise and gain, front end reset likewise


@dataclass(frozen=True)
class FieldWord:
    """A word as it was played; `speaker` is "" where unknown, `answers` None without the host's model.

    `onset_s` and `end_s` are those of a time in which it was said if `is_found` is False.
    """

    label: str
    word: str
    source: str
    speaker: str
    onset_s: float
    end_s: float
    answers: Answers | None = None
    is_found: bool = True


@dataclass(frozen=True)
class Gap:
    """A closed interval in which records were lost, so that detections are unknown."""

    begin_s: float
    end_s: float
    reason: str  # for people, such as "2 records lost"


@dataclass(frozen=True, eq=False)
class PlayedSegment:
    """A segment as it was played: N logged inferences, L labels, and the sound's S slices."""

    row: FieldSegment  # `keyword_free_s` is computed later and may be anything
    words: Sequence[FieldWord]  # in the plan's order
    times_ms: NDArray[np.uint32]  # (N,), the board's clock at each inference, ascending
    scores: NDArray[np.uint8]  # (N, L)
    detections: Sequence[DetectionRow]  # the board's own at its own threshold, in order of time
    stage_us: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)
    """"preprocess", "inference" and "postprocess" where the board timed them, each (N,) or shorter."""
    overruns: int = 0
    """Number of times the board lost audio. No word is excluded for it: the board would lose audio on any
    desk."""
    gaps: Sequence[Gap] = ()
    sound_starts_s: float = 0.0  # on the board's clock
    slice_scores: NDArray[np.uint8] | None = None
    """(S, L), the host model's scores of the newest second at the end of each slice; None where the host did
    not have the sound that the board heard. Then only the clean answer of a word means anything."""
    reference_scores: NDArray[np.uint8] | None = None
    """(N, L), the host's scores for each logged inference; None likewise."""


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
        self._late = self._unlocated = 0

    def lost(self, records: int, reason: str) -> None:
        """Take a `harness.link.events.Loss`; the place of one found by "totals" is unknown.

        The number of records is 0 if it shows later, -1 for a record that arrived late: `arrived` follows.
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
        """Take a record that arrived whole, with its time."""
        if self._late:
            self._late -= 1
            filled = [one for one in self._holes if one.records and one.begin_s <= at_s <= one.end_s]
            if filled:
                filled[-1].records -= 1
            return
        self._last_s = at_s
        if self._open is not None:
            self._open.end_s = at_s
            self._open = None

    def gaps(self) -> tuple[Gap, ...]:
        """Return the gaps of the whole stream; one that the stream ends in reaches to infinity."""
        found = []
        for hole in filter(lambda hole: hole.records, self._holes):
            reason = f"{hole.records} record{'s' * (hole.records > 1)} lost"
            breaks = "the transcript breaks off" if hole.reason == "no end" else reason
            found.append(Gap(hole.begin_s, hole.end_s, breaks))
        if self._unlocated:
            found.append(Gap(-math.inf, math.inf, f"{self._unlocated} records lost at unknown times"))
        return tuple(found)


def loss_reason(word: FieldWord, gaps: Sequence[Gap], window_s: float) -> str:
    """Return the reason of the first gap between a word's onset and the end of its window, or ""."""
    return next(
        (gap.reason for gap in gaps if gap.begin_s <= word.end_s + window_s and gap.end_s >= word.onset_s), ""
    )


class FreeTime:
    """A segment's audio outside of the windows of its words and outside of its gaps; `seconds` in total.

    Non-keywords have windows too: detections in them count for the word.
    """

    def __init__(
        self, words: Sequence[FieldWord], gaps: Sequence[Gap], window_s: float, audio_s: float
    ) -> None:
        self._windows = [(word.onset_s, word.end_s + window_s) for word in words]
        self._gaps = [(gap.begin_s, gap.end_s) for gap in gaps]
        taken = _merged([*self._windows, *self._gaps])
        self.seconds = audio_s - sum(max(0.0, min(end, audio_s) - max(begin, 0.0)) for begin, end in taken)

    def in_window(self, at_s: float) -> bool:
        return any(begin <= at_s <= end for begin, end in self._windows)

    def are_free(self, at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of ascending times lie neither in a window nor in a gap."""
        free = np.ones(len(at_s), bool)
        for begin, end in self._windows:
            free[np.searchsorted(at_s, begin) : np.searchsorted(at_s, end, side="right")] = False
        for begin, end in self._gaps:
            free[np.searchsorted(at_s, begin, side="right") : np.searchsorted(at_s, end)] = False
        return free

    def in_gap(self, at_s: float) -> bool:
        """Return whether a time lies strictly within a gap, whose ends are records that arrived."""
        return any(begin < at_s < end for begin, end in self._gaps)


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged

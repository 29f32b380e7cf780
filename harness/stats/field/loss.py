"""Where measuring lost something, and which words that touches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.stats.field.inputs import FieldWord, Gap
from harness.stats.field.recognizer import AVERAGE_MS


@dataclass
class _Hole:
    """Records that are missing between two that arrived."""

    begin_s: float
    end_s: float
    records: int
    reason: str


class GapFinder:
    """Finds the gaps of a stream of records, which is gone through once, in its order.

    Of a record that did not arrive it is not known what it was: a word may have been announced in it, at any
    time from the record before it to the one after it.
    """

    def __init__(self) -> None:
        self._holes: list[_Hole] = []
        self._open: _Hole | None = None  # its next record has not come
        self._last_s = -math.inf
        self._late = 0
        self._somewhere = 0

    def lost(self, records: int, reason: str) -> None:
        """Something did not arrive.

        Args:
            records: how many, 0 if that shows later, -1 for one that did come, late: it `arrived` next.
            reason: as `harness.link.events.Loss` names it. Of "totals" it is not known where they were.
        """
        if reason == "late":
            self._late += 1
        elif reason == "totals":
            self._somewhere += records
        elif records > 0:
            if self._open is None:
                self._open = _Hole(self._last_s, math.inf, 0, reason)
                self._holes.append(self._open)
            self._open.records += records
            self._open.reason = reason

    def arrived(self, at_s: float) -> None:
        """A record arrived whole.

        Args:
            at_s: its own time, in seconds of the segment's sound.
        """
        if self._late:
            self._late -= 1
            self._fill(at_s)
            return
        self._last_s = at_s
        if self._open is not None:
            self._open.end_s = at_s
            self._open = None

    def gaps(self) -> tuple[Gap, ...]:
        """What was lost of the whole stream. Without its end the last gap reaches to infinity."""
        found = [Gap(hole.begin_s, hole.end_s, _text(hole)) for hole in self._holes if hole.records]
        if self._somewhere:
            found.append(Gap(-math.inf, math.inf, f"{self._somewhere} records lost, nobody knows where"))
        return tuple(found)

    def _fill(self, at_s: float) -> None:
        for hole in reversed(self._holes):
            if hole.records and hole.begin_s <= at_s <= hole.end_s:
                hole.records -= 1
                return


def lengthened(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """The gaps with the time for which a recognizer's average still lacks what was lost in them.

    What a board announced after a gap is right. What is recomputed out of logged scores is not, that long.
    """
    return tuple(replace(gap, end_s=gap.end_s + AVERAGE_MS / 1000) for gap in gaps)


def reason_of(word: FieldWord, gaps: Sequence[Gap], window_s: float) -> str:
    """Why a word cannot be judged: what was lost from its onset to the end of its window; "" if nothing."""
    return next(
        (gap.reason for gap in gaps if gap.begin_s <= word.end_s + window_s and gap.end_s >= word.onset_s), ""
    )


def _text(hole: _Hole) -> str:
    if hole.reason == "no end":
        return "the transcript breaks off"
    return f"{hole.records} record{'s' * (hole.records > 1)} lost"

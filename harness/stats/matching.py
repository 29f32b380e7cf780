"""Assignment of detections to the words that were played."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import Any, Protocol

from harness.records.record import DetectionRow, StimulusRow, VariantRow

TOLERANCE_S = 1.0
"""A detection counts for a word until this long after its end: the longest average is of 1 s."""

_NON_KEYWORDS = ("silence", "unknown")


class PlayedWord(Protocol):
    """A word as it was played: its label for the model, and its times in seconds of audio."""

    @property
    def label(self) -> str: ...

    @property
    def word(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def onset_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


@dataclass(frozen=True)
class Matching:
    """A row for each word, in the order played, and the detections of keywords that belong to no word."""

    rows: list[StimulusRow]
    false_accepts: list[DetectionRow]


def match(
    words: Sequence[PlayedWord], detections: Sequence[DetectionRow], tolerance_s: float = TOLERANCE_S
) -> Matching:
    """Assign to each word the first keyword that is detected in its window, whatever its label.

    A word with another label's detection is a confusion, one without any a miss. A word without a keyword
    takes the first "unknown" or "silence" of its window: a board in a noisy room detects "unknown" again and
    again, and that must not hide a keyword. A keyword left over is a false accept. A word labeled "unknown"
    or "silence" is correct unless a keyword is assigned to it.
    """
    ordered = sorted(detections, key=lambda one: one.at_s)
    times_s = [one.at_s for one in ordered]
    left = [is_keyword(one.label) for one in ordered]
    rows = []
    for word, (begin_s, end_s) in zip(words, windows(words, tolerance_s), strict=True):
        places = range(bisect_left(times_s, begin_s), bisect_right(times_s, end_s))
        found: tuple[Any, Any, Any] = None, None, None
        if places:
            place = next((place for place in places if left[place]), places[0])
            left[place] = False
            found = ordered[place].label, ordered[place].score, ordered[place].at_s
        right = is_right(word.label, found[0])
        rows.append(StimulusRow(word.label, word.word, word.source, word.onset_s, word.end_s, *found, right))
    return Matching(rows, [*compress(ordered, left)])


def windows(words: Sequence[PlayedWord], tolerance_s: float = TOLERANCE_S) -> list[tuple[float, float]]:
    """Return for each word the first and the last time at which a detection counts for it.

    A window reaches from the onset to the tolerance after the end, or until the next word begins. What is
    detected then counts for the next word: a recognizer never detects words in another order.
    """
    order = sorted(range(len(words)), key=lambda w: words[w].onset_s)
    ends_s = [word.end_s + tolerance_s for word in words]
    for w, following in pairwise(order):
        ends_s[w] = min(ends_s[w], math.nextafter(words[following].onset_s, -math.inf))
    return [(word.onset_s, end_s) for word, end_s in zip(words, ends_s, strict=True)]


def count_false_accepts(variant: VariantRow) -> int:
    """Count keywords detected without being spoken: for another word, or for none."""
    for_non_keywords = sum(not row.correct for row in variant.stimuli if not is_keyword(row.label))
    return for_non_keywords + len(variant.false_accepts)


def is_keyword(label: str) -> bool:
    """Return whether a label is to be spotted: all but "silence" and "unknown", "_unknown_" included."""
    return label.strip("_").casefold() not in _NON_KEYWORDS


def is_right(label: str, detected: str | None) -> bool:
    """Return whether a detection (or None) suits a word: its label, or for a non-keyword no keyword."""
    return detected == label if is_keyword(label) else detected is None or not is_keyword(detected)

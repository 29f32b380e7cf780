"""Assignment of detections to the words that were played."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
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
    """Assign detections to words, one to one.

    A detection can belong to a word if it falls into [onset, end + tolerance]. Among all such pairs the
    nearest is assigned first, by the time from the word (0 within it) to the detection; equally near pairs
    go by the earliest detection, then the earliest word. The label does not matter: a word with another
    label's detection is a confusion, one without any a miss. Detections of "unknown" and "silence" are
    assigned after all keywords: a board in a noisy room detects "unknown" again and again, and that must
    not hide a keyword. A keyword left over is a false accept. A word labeled "unknown" or "silence" is
    correct unless a keyword is assigned to it.
    """
    detection_of = assign(words, detections, tolerance_s)
    taken = set(detection_of.values())
    rows = []
    for w, word in enumerate(words):
        own = detections[detection_of[w]] if w in detection_of else None
        found: tuple[Any, Any, Any] = (own.label, own.score, own.at_s) if own else (None, None, None)
        right = is_right(word.label, found[0])
        rows.append(StimulusRow(word.label, word.word, word.source, word.onset_s, word.end_s, *found, right))
    left = [one for d, one in enumerate(detections) if d not in taken and is_keyword(one.label)]
    return Matching(rows, left)


def assign(
    words: Sequence[PlayedWord], detections: Sequence[DetectionRow], tolerance_s: float = TOLERANCE_S
) -> dict[int, int]:
    """Map the index of each word that has a detection to the detection's index; see `match`.

    The run time grows with the pairs of a word and a detection within its window, not with all pairs.
    """
    order = sorted(range(len(detections)), key=lambda d: detections[d].at_s)
    times_s = [detections[d].at_s for d in order]
    pairs = []
    for w, word in enumerate(words):
        begin, end = bisect_left(times_s, word.onset_s), bisect_right(times_s, word.end_s + tolerance_s)
        for d, at_s in zip(order[begin:end], times_s[begin:end], strict=True):
            other = not is_keyword(detections[d].label)
            pairs.append((other, max(0.0, at_s - word.end_s), at_s, word.onset_s, d, w))
    detection_of: dict[int, int] = {}
    taken: set[int] = set()
    for *_, d, w in sorted(pairs):
        if w not in detection_of and d not in taken:
            detection_of[w] = d
            taken.add(d)
    return detection_of


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

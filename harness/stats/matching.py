"""Detections assigned to the words that were played: heard, missed, confused, falsely accepted. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.records.record import DetectionRow, LabelCount, StimulusRow, VariantRow

TOLERANCE_S = 1.0
"""A detection counts for a word until this long after its end: the recognizer averages over 1 s."""

_NO_KEYWORDS = ("silence", "unknown")


class Span(Protocol):
    """When a word was played, in seconds of audio."""

    @property
    def onset_s(self) -> float:
        """Start of the word."""

    @property
    def end_s(self) -> float:
        """End of the word."""


class PlayedWord(Span, Protocol):
    """A word as it was played."""

    @property
    def label(self) -> str:
        """What the board should make of it."""

    @property
    def word(self) -> str:
        """What was said."""

    @property
    def source(self) -> str:
        """Where the recording comes from."""


@dataclass(frozen=True)
class Matching:
    """What became of the words, in their order, and the keywords that nobody had said."""

    rows: list[StimulusRow]
    false_accepts: list[DetectionRow]


def match(
    words: Sequence[PlayedWord], detections: Sequence[DetectionRow], tolerance_s: float = TOLERANCE_S
) -> Matching:
    """Assigns detections to words, one to one.

    A detection can belong to a word whose [onset, end + tolerance] it falls in. Of all such pairs the nearest
    is taken first, by the time from the word (0 within it) to the detection; of equally near ones the
    earliest detection, then the earliest word. Which keyword it is plays no part: a word with a wrong one is
    a confusion, one with none a miss. Only a word that no keyword is left for gets what is not to be
    spotted: a board in a noisy room announces "unknown" again and again, and that hides no keyword. A keyword
    that is left over is a false accept. A word of label "unknown" or "silence" is correct if no keyword is
    heard for it.
    """
    detection_of = assign(words, detections, tolerance_s)
    taken = set(detection_of.values())
    rows = [
        _row(word, detections[detection_of[w]] if w in detection_of else None) for w, word in enumerate(words)
    ]
    left_over = [heard for d, heard in enumerate(detections) if d not in taken]
    return Matching(rows, [heard for heard in left_over if is_keyword(heard.label)])


def assign(
    words: Sequence[Span], detections: Sequence[DetectionRow], tolerance_s: float = TOLERANCE_S
) -> dict[int, int]:
    """The detection of each word that has one, as places in both lists; see `match`.

    Takes time for the pairs of a word and a detection in its window, not for all pairs.
    """
    order = sorted(range(len(detections)), key=lambda d: detections[d].at_s)
    times_s = [detections[d].at_s for d in order]
    pairs = sorted(
        (
            not is_keyword(detections[d].label),
            max(0.0, detections[d].at_s - word.end_s),
            detections[d].at_s,
            word.onset_s,
            d,
            w,
        )
        for w, word in enumerate(words)
        for d in order[bisect_left(times_s, word.onset_s) : bisect_right(times_s, word.end_s + tolerance_s)]
    )
    detection_of: dict[int, int] = {}
    taken: set[int] = set()
    for *_, d, w in pairs:
        if w not in detection_of and d not in taken:
            detection_of[w] = d
            taken.add(d)
    return detection_of


def count_by_label(rows: Sequence[StimulusRow], labels: Sequence[str] = ()) -> list[LabelCount]:
    """Correct and total for each label: first `labels` in their order, then others as they come."""
    names = list(dict.fromkeys([*labels, *(row.label for row in rows)]))
    return [
        LabelCount(
            name,
            correct=sum(row.correct for row in rows if row.label == name),
            total=sum(row.label == name for row in rows),
        )
        for name in names
    ]


def count_false_accepts(variant: VariantRow) -> int:
    """How often a keyword was announced that nobody had said: for another word, or for none."""
    for_others = sum(not row.correct for row in variant.stimuli if not is_keyword(row.label))
    return for_others + len(variant.false_accepts)


def is_keyword(label: str) -> bool:
    """Whether a label is a word to be spotted: all but "silence" and "unknown", however they are written."""
    return label.strip("_").casefold() not in _NO_KEYWORDS


def _row(word: PlayedWord, detection: DetectionRow | None) -> StimulusRow:
    if is_keyword(word.label):
        correct = detection is not None and detection.label == word.label
    else:
        correct = detection is None or not is_keyword(detection.label)
    return StimulusRow(
        label=word.label,
        word=word.word,
        source=word.source,
        onset_s=word.onset_s,
        end_s=word.end_s,
        detected=detection.label if detection else None,
        score=detection.score if detection else None,
        detected_at_s=detection.at_s if detection else None,
        correct=correct,
    )

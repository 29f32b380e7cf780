"""Logged scores and words of a variant, as arrays in which a recognizer is judged in less than a millisecond.

Times become places in the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.recognizer import DEFAULT, Recognizer
from harness.stats.matching import is_keyword, windows
from harness.stats.recognizer import Averages, averages_of, unwrapped
from harness.stats.segment import FieldWord, FreeTime, Gap, PlayedSegment, loss_reason
from harness.stats.tuning.grid import RULES

FOLDS = 2
"""Parts of the speakers and of the keyword-free audio, each judged by parameters chosen on the others."""

OTHER = -1
"""The label of a word that is no keyword, and of no detection, which is right for it."""

_BLOCK_S = 30.0
"""Keyword-free audio goes to the folds in blocks of this length."""
_BETWEEN_MS = 10**6
"""Time between two segments in the log of all: longer than any suppression."""


@dataclass(frozen=True, eq=False)
class Words:
    """W words of a log; their windows are places in it."""

    begins: NDArray[np.int64]  # (W,)
    ends: NDArray[np.int64]  # (W,), exclusive
    labels: NDArray[np.int64]  # (W,), the model's label, or `OTHER`
    speakers: NDArray[np.int64]  # (W,), index of `names`
    names: Sequence[str]  # of the speakers; "" of all recordings that name none

    @property
    def are_keywords(self) -> NDArray[np.bool_]:
        return self.labels >= 0

    @property
    def keywords(self) -> int:
        """Return the number of words that are keywords."""
        return int(self.are_keywords.sum())

    @property
    def others(self) -> int:
        """Return the number of words that are no keywords."""
        return int((~self.are_keywords).sum())

    @property
    def folds(self) -> NDArray[np.int64]:
        return self.speakers % FOLDS


@dataclass(frozen=True, eq=False)
class Log:
    """Logged scores of a variant: N inferences of all segments, one after the other."""

    labels: Sequence[str]
    segments: Sequence[tuple[NDArray[np.int64], NDArray[np.uint8]]]
    """Times in ms, ascending over all segments, and scores (inferences, labels)."""
    free_folds: NDArray[np.int64]  # (N,), the fold of keyword-free audio; -1 in words' windows and in gaps
    hours: NDArray[np.float64]  # (FOLDS,), keyword-free audio
    words: Words

    @property
    def keywords(self) -> list[str]:
        return [label for label in self.labels if is_keyword(label)]

    @property
    def total_hours(self) -> float:
        return float(self.hours.sum())

    def undetected(self, right: NDArray[np.bool_]) -> dict[str, int]:
        """Return the keywords of which no word is right, with the number of their words."""
        words = self.words
        of_words = words.labels[words.are_keywords & (words.labels < len(self.labels))]
        counted = zip(*(those.tolist() for those in np.unique(of_words, return_counts=True)), strict=True)
        detected = set(words.labels[right].tolist())
        return {self.labels[label]: number for label, number in counted if label not in detected}

    def averages(self, recognizers: Sequence[Recognizer]) -> Iterator[Averages]:
        """Yield the averages of each recognizer, which is reset at the start of a segment."""
        for segments in zip(*(averages_of(*segment, recognizers) for segment in self.segments), strict=True):
            yield Averages(
                np.concatenate([one.times_ms for one in segments]),
                np.concatenate([one.labels for one in segments]),
                np.concatenate([one.scores for one in segments]),
            )


def read_log(
    labels: Sequence[str],
    segments: Iterable[PlayedSegment],
    window_s: float,
    present: Recognizer = DEFAULT,
) -> Log:
    """Return the log of played segments, for `RULES` and the present recognizer.

    A detection counts for a word until `window_s` after its end.
    """
    played: list[tuple[NDArray[np.int64], NDArray[np.uint8]]] = []
    free_folds = [np.zeros(0, np.int64)]
    words: list[tuple[int, int, int, str]] = []
    hours = np.zeros(FOLDS)
    length = next_ms = 0
    for segment in segments:
        times_ms = unwrapped(segment.times_ms)
        at_s = times_ms / 1000 - segment.sound_starts_s
        gaps = gaps_of_averages(segment, present)
        audio_s = segment.row.audio_s
        for word, begin, end in _windows(segment.words, gaps, at_s, window_s):
            label = OTHER
            if is_keyword(word.label):
                label = labels.index(word.label) if word.label in labels else len(labels)
            words.append((length + begin, length + end, label, word.speaker))
        free = FreeTime(segment.words, gaps, window_s, audio_s).are_free(at_s) & (at_s >= 0)
        folds = np.floor_divide(at_s, _BLOCK_S).astype(np.int64) % FOLDS
        free_folds.append(np.where(free, folds, -1))
        for fold in range(FOLDS):
            outside = [*gaps, *_blocks_outside(fold, audio_s)]
            hours[fold] += FreeTime(segment.words, outside, window_s, audio_s).seconds / 3600
        times_ms += next_ms - times_ms[:1]
        played.append((times_ms, segment.scores))
        length += len(times_ms)
        next_ms = int(times_ms.max(initial=next_ms)) + _BETWEEN_MS
    names = sorted({name for *_, name in words}, key=lambda name: hashlib.sha256(name.encode()).digest())
    speakers = np.array([names.index(name) for *_, name in words], np.int64)
    begins, ends, of_words = np.array([places for *places, _ in words], np.int64).reshape(-1, 3).T
    all_words = Words(begins, ends, of_words, speakers, names)
    return Log(labels, played, np.concatenate(free_folds), hours, all_words)


def gaps_of_averages(segment: PlayedSegment, present: Recognizer) -> list[Gap]:
    """Return the gaps of a segment, each until the averages of every rule and of a recognizer are complete.

    All rules leave out the same words and the same audio, so that their counts can be compared.
    """
    memory_s = max(one.memory_ms for one in (*RULES, present)) / 1000
    return [replace(gap, end_s=gap.end_s + memory_s) for gap in segment.gaps]


def _blocks_outside(fold: int, audio_s: float) -> Iterator[Gap]:
    for block, begin_s in enumerate(np.arange(0, audio_s, _BLOCK_S).tolist()):
        if block % FOLDS != fold:
            yield Gap(begin_s, begin_s + _BLOCK_S, "")


def _windows(
    words: Sequence[FieldWord], gaps: Sequence[Gap], at_s: NDArray[np.float64], window_s: float
) -> Iterator[tuple[FieldWord, int, int]]:
    """Yield each word that no gap touches, with the first place of its window and the one behind it."""
    for word, (begin_s, end_s) in zip(words, windows(words, window_s), strict=True):
        if not loss_reason(word, gaps, window_s):
            begin, end = np.searchsorted(at_s, begin_s), np.searchsorted(at_s, end_s, side="right")
            yield word, int(begin), int(max(begin, end))

"""Results of one segment of a playback plan on one board: the input of the field figures.

Times in seconds are of audio since the beginning of the segment's sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """The host model's answers for a word, each of one second and without the recognizer.

    Attributes:
        clip: the sound as played, features of a front end that was reset before it.
        clean: the recording itself without room, noise and gain, front end reset likewise.
    """

    clip: Answer
    clean: Answer


@dataclass(frozen=True)
class FieldWord:
    """A word as it was played; `speaker` is "" where unknown, `answers` None without the host's model."""

    label: str
    word: str
    source: str
    speaker: str
    onset_s: float
    end_s: float
    answers: Answers | None = None


@dataclass(frozen=True)
class Gap:
    """A closed interval in which records were lost, so that detections are unknown."""

    begin_s: float
    end_s: float
    reason: str
    """For people, such as "2 records lost"."""


@dataclass(frozen=True, eq=False)
class PlayedSegment:
    """A segment as it was played, with the board's and the host's results.

    N is the number of logged inferences, L that of labels, S that of slices of the sound.

    Attributes:
        row: the segment's facts; `keyword_free_s` is computed later and may be anything.
        words: words of the plan, in its order; none in a keyword-free segment.
        times_ms: (N,) uint32, the board's clock at each inference, ascending.
        scores: (N, L) uint8.
        detections: the board's own detections at its own threshold, in order of time.
        stage_us: microseconds of "preprocess", "inference" and "postprocess", each (N,) or shorter; without
            the stages that the board did not time.
        overruns: number of times the board lost audio. No word is excluded for it: the board would lose
            audio on any desk.
        gaps: times in which records were lost; see `harness.stats.gaps.GapFinder`.
        sound_starts_s: start of the sound on the board's clock.
        slice_scores: (S, L) uint8, the host model's scores of the newest second at the end of each slice;
            None where the host did not have the sound that the board heard. Then only the clean answer of
            a word means anything.
        reference_scores: (N, L) uint8, the host's scores for each logged inference; None likewise.
    """

    row: FieldSegment
    words: Sequence[FieldWord]
    times_ms: NDArray[np.uint32]
    scores: NDArray[np.uint8]
    detections: Sequence[DetectionRow]
    stage_us: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)
    overruns: int = 0
    gaps: Sequence[Gap] = ()
    sound_starts_s: float = 0.0
    slice_scores: NDArray[np.uint8] | None = None
    reference_scores: NDArray[np.uint8] | None = None

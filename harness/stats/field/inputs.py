"""What one segment of a plan gave on one board: the input of the figures.

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
"""A slice of features needs 30 ms of audio, the next one 20 ms more."""


@dataclass(frozen=True)
class Answer:
    """The label with the highest score, and that score as the board makes it, 0 to 255."""

    label: str
    score: int


@dataclass(frozen=True)
class Answers:
    """What the host's model says of a word, of one second each and without the recognizer.

    Attributes:
        streaming: of the sound as it was played, its features from the front end that runs on since the
            beginning of the segment.
        clip: of the same second of sound, its features from a front end that was reset before it.
        clean: of the recording itself without room, noise and gain, reset likewise.
    """

    streaming: Answer
    clip: Answer
    clean: Answer


@dataclass(frozen=True)
class FieldWord:
    """A word as it was played. `speaker` is "" where unknown; `answers` None where the host was not asked."""

    label: str
    word: str
    source: str
    speaker: str
    onset_s: float
    end_s: float
    answers: Answers | None = None


@dataclass(frozen=True)
class Gap:
    """Time of which it is not known what the board heard or announced; both ends belong to it."""

    begin_s: float
    end_s: float
    reason: str
    """For people, such as "2 records lost"."""


@dataclass(frozen=True, eq=False)
class SegmentHeard:
    """A segment, played, with what came back.

    N is the number of inferences that were logged, L that of the labels, S that of the slices of the sound.

    Attributes:
        row: the segment's facts; its `keyword_free_s` is worked out later and may be anything.
        words: of the plan, in its order; none if it is keyword-free.
        times_ms: (N,) uint32, the board's clock at each inference, as in its records, ascending.
        scores: (N, L) uint8.
        detections: what the board announced at its own threshold, in the order of time.
        stage_us: microseconds of "preprocess", "inference" and "postprocess", each (N,) or shorter; a stage
            that the board did not time is left out.
        overruns: how often the board lost audio; how much is in the row. The board did that, as it would on
            any desk: no word is excluded for it.
        gaps: where the measuring lost something: see `loss.GapFinder`.
        sound_starts_s: when the sound began, on the board's clock.
        slice_scores: (S, L) uint8, the host's model on the newest second of the same sound at the end of each
            slice, as scores of the board; None where the host did not have the sound that the board heard.
            Then of a word's answers only the clean one says anything.
        reference_scores: (N, L) uint8, what the host computes for each logged inference; None likewise.
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

"""Single clips of one second: the board's answers in command mode and the host's answers to a played word.

A clip is cut around the middle of its word, as in the clips that a model learns from. Its features come from
a front end that is reset before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.link.dut import DeviceUnderTest
from harness.measure.conformance import CLIP_SAMPLES, compare_features, output_difference, output_tolerance
from harness.measure.streaming import scores_of
from harness.records.field_record import ClipResult
from harness.stats.segment import Answer, Answers
from models.data.features import SLICES, STRIDE_SAMPLES
from models.errors import located
from models.reference import ReferenceModel


@dataclass(frozen=True, eq=False)
class Clip:
    """A second of a recording, int16 (16000,), with its file, its spoken word and the right answer."""

    source: str
    word: str
    label: str
    samples: NDArray[np.int16]


def second_at(samples: NDArray[np.int16], begin: int) -> NDArray[np.int16]:
    """Cut 16,000 samples from `begin`, which may be negative; pad with zeros."""
    second = np.zeros(CLIP_SAMPLES, np.int16)
    from_, until = max(0, begin), min(len(samples), begin + CLIP_SAMPLES)
    if from_ < until:
        second[from_ - begin : until - begin] = samples[from_:until]
    return second


def second_around(onset: int, end: int) -> int:
    """Return the start, in samples, of the second with a word in its middle; it may be negative."""
    return (onset + end) // 2 - CLIP_SAMPLES // 2


def answers_of(
    reference: ReferenceModel,
    labels: Sequence[str],
    sound: NDArray[np.int16],
    slices: int,
    recording: NDArray[np.int16],
    start: int,
    onset: int,
    end: int,
) -> Answers:
    """Answer a word with the host's model: as a clip of the segment's sound, and clean.

    Args:
        sound: int16 (N,), the segment.
        recording: int16, the word as recorded.
        start: of the recording in the sound, in samples.
        onset, end: of the active word in the sound, in samples.
    """
    # On the grid of the slices, as the board's windows are.
    last = max(0, slices - SLICES)
    first = min(max(0, round(second_around(onset, end) / STRIDE_SAMPLES)), last)
    begin = first * STRIDE_SAMPLES
    return Answers(
        clip=_answer(reference, labels, second_at(sound, begin)),
        clean=_answer(reference, labels, second_at(recording, begin - start)),
    )


def clean_answer(
    reference: ReferenceModel, labels: Sequence[str], recording: NDArray[np.int16], onset: int, end: int
) -> Answer:
    """Answer a recording as it is with the host's model; `onset` and `end` are samples of the recording."""
    second = second_at(recording, second_around(onset, end))
    return _answer(reference, labels, second)


def classify(
    board: DeviceUnderTest, reference: ReferenceModel, labels: Sequence[str], clips: Iterable[Clip]
) -> tuple[list[ClipResult], str]:
    """Classify clips on a board in command mode and compare every answer with the host's.

    Features and input must be equal byte by byte, and outputs too (within 1e-5 for a float model).

    Returns:
        The results in the order of the clips, and a description of the first difference, "" without any.
    """
    results, first_difference = [], ""
    for clip in clips:
        difference, tensor = compare_features(board, reference, clip.samples)
        output = board.infer().results
        with located(clip.source):
            apart = output_difference(reference, tensor, output)
        if not difference and apart > output_tolerance(reference):
            difference = f"output, by {apart:.3g}"
        if difference and not first_difference:
            first_difference = f"{difference} of {clip.source}"
        best = int(np.argmax(output))
        results.append(
            ClipResult(clip.source, clip.word, clip.label, labels[best], float(output[best]), not difference)
        )
    return results, first_difference


def _answer(reference: ReferenceModel, labels: Sequence[str], clip: NDArray[np.int16]) -> Answer:
    features = reference.front_end.features(clip)
    scores = scores_of(reference.raw_output(reference.tensor_of(features)))
    return Answer(labels[int(scores.argmax())], int(scores.max()))

"""Single clips of one second: what a board answers in command mode, and what the host makes of a played word.

A clip is cut around the middle of the word, so that the word lies in it as it lies in the clips that a model
learns from. Its features come from a front end that is reset before it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.link.dut import DeviceUnderTest
from harness.measure.parity import CLIP_SAMPLES, FLOAT_TOLERANCE
from harness.measure.streaming import scores_of
from harness.records.field_record import ClipResult
from harness.stats.segment import Answer, Answers
from models.data.features import SLICES, STRIDE_SAMPLES, feature_crc, micro_features
from models.reference import ReferenceModel


@dataclass(frozen=True, eq=False)
class Clip:
    """A second of a recording.

    Attributes:
        source: the file.
        word: what is said.
        label: what the model should make of it.
        samples: int16 (16000,).
    """

    source: str
    word: str
    label: str
    samples: NDArray[np.int16]


def second_at(samples: NDArray[np.int16], begin: int) -> NDArray[np.int16]:
    """16000 samples from `begin` on, which may lie before the first; zeros where there are none."""
    second = np.zeros(CLIP_SAMPLES, np.int16)
    from_, until = max(0, begin), min(len(samples), begin + CLIP_SAMPLES)
    if from_ < until:
        second[from_ - begin : until - begin] = samples[from_:until]
    return second


def second_around(onset: int, end: int) -> int:
    """Where the second with a word in its middle begins, in samples; may be negative."""
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
    """Return the host model's answers for a word: as a clip of the segment's sound, and clean.

    Args:
        reference: the model.
        labels: of its outputs.
        sound: int16 (N,), the segment.
        slices: number of slices of features of the segment.
        recording: int16, what the word was made of.
        start: where in the sound the recording begins, in samples.
        onset, end: where in the sound the word is active.
    """
    # On the grid of the slices, as the board's windows are.
    last = max(0, slices - SLICES)
    first = min(max(0, round(second_around(onset, end) / STRIDE_SAMPLES)), last)
    begin = first * STRIDE_SAMPLES
    return Answers(
        clip=_heard(reference, labels, micro_features(second_at(sound, begin))),
        clean=_heard(reference, labels, micro_features(second_at(recording, begin - start))),
    )


def clean_answer(
    reference: ReferenceModel, labels: Sequence[str], recording: NDArray[np.int16], onset: int, end: int
) -> Answer:
    """What the host's model says of a recording as it is; `onset` and `end` of its word are its samples."""
    second = second_at(recording, second_around(onset, end))
    return _heard(reference, labels, micro_features(second))


def classify(
    board: DeviceUnderTest, reference: ReferenceModel, labels: Sequence[str], clips: Iterable[Clip]
) -> tuple[list[ClipResult], str]:
    """Classifies clips on a board in command mode and compares every answer with the host's.

    Args:
        board: runs the model's image.
        reference: the model on the host.
        labels: of its outputs.
        clips: to be classified.

    Returns:
        The results in the order of the clips; and which is the first that differs, and in what, "" if none
        does. Features and input have to be equal byte by byte, and outputs as well (of a float model within
        1e-5).
    """
    results, first_difference = [], ""
    for clip in clips:
        features = micro_features(clip.samples)
        tensor = reference.tensor_of(features)
        difference = ""
        if board.load_clip(clip.samples) != feature_crc(features):
            difference = "features"
        elif board.input_crc() != zlib.crc32(tensor.tobytes()):
            difference = "input bytes"
        output = np.array(board.infer().results)
        apart = float(np.abs(output - reference.probabilities(tensor)).max())
        # The board prints 8 decimals: more than half a step of an int8 output is another byte.
        if not difference and apart > (reference.output_step / 2 or FLOAT_TOLERANCE):
            difference = f"output, by {apart:.3g}"
        if difference and not first_difference:
            first_difference = f"{difference} of {clip.source}"
        heard = int(output.argmax())
        results.append(
            ClipResult(
                clip.source, clip.word, clip.label, labels[heard], float(output[heard]), not difference
            )
        )
    return results, first_difference


def _heard(reference: ReferenceModel, labels: Sequence[str], features: NDArray[np.uint16]) -> Answer:
    scores = scores_of(reference.raw_output(reference.tensor_of(features)))
    return Answer(labels[int(scores.argmax())], int(scores.max()))

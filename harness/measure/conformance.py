"""Conformance of a board: features, input bytes and outputs compared with the host's oracles."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import AccuracyFailed
from harness.link.dut import DeviceUnderTest
from harness.records.record import ParityRow
from harness.sound.recordings import Recording
from models import progress
from models.data.features import feature_crc
from models.errors import located
from models.reference import ReferenceModel

CLIP_SAMPLES = 16_000
"""One second at 16 kHz: the input of a model."""
FLOAT_TOLERANCE = 1e-5
"""Tolerance of a float model's probabilities: the board adds in another order."""


def check_conformance(
    board: DeviceUnderTest,
    reference: ReferenceModel,
    recordings: Sequence[Recording],
    inputs: np.ndarray,
) -> tuple[ParityRow, str]:
    """Compare the board with the oracles in command mode.

    Args:
        recordings: the first second of each is sent to the board's front end as samples.
        inputs: sent to the board's engine: uint16 (N, 49, channels) features, or input tensors (N, ...).

    Returns:
        The counts of recordings with all features and the model's input bytes equal to the oracle's, and
        of inputs with outputs equal to the reference kernels' (every byte of an int8 model, within 1e-5 for a
        float model); and a description of the first clip that differs, "" if none does.
    """
    advance = progress.count(len(recordings) + len(inputs), "clips")
    differences: list[str] = []
    for recording in recordings:
        advance()
        if difference := compare_features(board, reference, recording.samples[:CLIP_SAMPLES])[0]:
            differences.append(f"{difference} of {recording.source}")
    features_differ = len(differences)
    apart = [0.0]
    for number, values in enumerate(inputs):
        advance()
        tensor = reference.tensor_of(values)
        board.load(tensor.tobytes())
        with located(f"clip {number}"):
            apart.append(output_difference(reference, tensor, board.infer().results, board.printed))
        if apart[-1] > output_tolerance(reference):
            differences.append(f"output of clip {number}, by {apart[-1]:.3g}")
    parity = ParityRow(
        recordings=len(recordings),
        features_equal=len(recordings) - features_differ,
        clips=len(inputs),
        outputs_equal=len(inputs) - (len(differences) - features_differ),
        max_abs_difference=max(apart),
    )
    return parity, differences[0] if differences else ""


def compare_features(
    board: DeviceUnderTest, reference: ReferenceModel, samples: NDArray[np.int16]
) -> tuple[str, np.ndarray]:
    """Send a clip to the board's front end.

    Returns:
        "features", "input bytes" or "" by the first difference, and the model's input tensor.
    """
    slices = reference.front_end.slices(samples)
    tensor = reference.tensor_of(reference.front_end.window(slices))
    if board.load_clip(samples) != feature_crc(slices):
        return "features", tensor
    return "" if board.input_crc() == zlib.crc32(tensor.tobytes()) else "input bytes", tensor


def output_difference(
    reference: ReferenceModel, tensor: np.ndarray, results: Sequence[float], printed: str = ""
) -> float:
    """Return the largest difference of the board's probabilities to the reference kernels'.

    Args:
        printed: the board's messages, which may have the reason for outputs that are none.

    Raises:
        AccuracyFailed: the board sent another number of outputs, or one that is not finite.
    """
    with located(f'the board printed "{printed}"' if printed else ""):
        return largest_difference(np.array(results), reference.probabilities(tensor))


def largest_difference(outputs: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference of one inference's outputs to those that are expected.

    Raises:
        AccuracyFailed: there are other numbers of outputs, or outputs that are not finite.
    """
    if outputs.size != expected.size:
        raise AccuracyFailed(
            f"the inference gave {outputs.size} instead of {expected.size} outputs",
            remedy="Build and upload the sketch again, or correct the device's answer.",
        )
    for values, origin in ((expected, "the model's own outputs"), (outputs, "the outputs")):
        if not np.isfinite(values).all():
            shown = ", ".join(f"{value:g}" for value in values.flat)
            raise AccuracyFailed(
                f"{origin} are not finite numbers: {shown}",
                remedy="Convert the model again, in float32 or in int8 throughout.",
            )
    return float(np.abs(outputs.reshape(-1) - expected.reshape(-1)).max())


def output_tolerance(reference: ReferenceModel) -> float:
    """Return the difference up to which two outputs are equal.

    The board prints 8 decimals: more than half a step of an int8 output is another byte.
    """
    return reference.output_step / 2 if reference.output_step else FLOAT_TOLERANCE

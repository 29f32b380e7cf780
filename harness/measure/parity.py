"""The chain of trust: features, input bytes and output bytes of the board against the host's oracles."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.link.dut import DeviceUnderTest
from harness.sound.recordings import Recording
from models.data.features import feature_crc, micro_features
from models.reference import ReferenceModel

CLIP_SAMPLES = 16_000
"""One second at 16 kHz: what a model looks at."""
FLOAT_TOLERANCE = 1e-5
"""Of probabilities, for float models: sums are not taken in the same order."""


@dataclass(frozen=True)
class Parity:
    """How many of what was compared are equal.

    Attributes:
        recordings: clips whose samples went through the board's front end.
        features_equal: of these, with all 1960 features and the model's input bytes equal to the oracle's.
        clips: inputs that went through the board's engine.
        outputs_equal: of these, with an output equal to the reference kernels': every byte of an int8 model,
            within 1e-5 for a float one.
        max_abs_difference: the largest difference of a probability, over all clips.
        first_difference: which one differs first, and how; empty if none does.
    """

    recordings: int
    features_equal: int
    clips: int
    outputs_equal: int
    max_abs_difference: float
    first_difference: str = ""

    @property
    def holds(self) -> bool:
        """Whether the board may be timed."""
        return self.features_equal == self.recordings and self.outputs_equal == self.clips


def check_parity(
    board: DeviceUnderTest,
    reference: ReferenceModel,
    recordings: Sequence[Recording],
    inputs: np.ndarray,
) -> Parity:
    """Compares the board with the oracles, in command mode.

    Args:
        board: runs the model's image.
        reference: the model on the host.
        recordings: of which the first second is sent to the board's front end as samples.
        inputs: what is sent to the board's engine: uint16 (N, 49, 40) features, or input tensors (N, ...).
    """
    differences: list[str] = []
    apart = [0.0]

    features_equal = 0
    for recording in recordings:
        samples = recording.samples[:CLIP_SAMPLES]
        expected = micro_features(samples)
        crc = board.load_clip(samples)
        if crc != feature_crc(expected):
            differences.append(f"features of {recording.source}")
        elif board.input_crc() != zlib.crc32(reference.tensor_of(expected).tobytes()):
            differences.append(f"input bytes of {recording.source}")
        else:
            features_equal += 1

    outputs_equal = 0
    for number, values in enumerate(inputs):
        tensor = reference.tensor_of(values)
        board.load(tensor.tobytes())
        difference = float(np.abs(np.array(board.infer().results) - reference.probabilities(tensor)).max())
        apart.append(difference)
        # The board prints 8 decimals: more than half a step of an int8 output is another byte.
        if difference <= (reference.output_step / 2 if reference.output_step else FLOAT_TOLERANCE):
            outputs_equal += 1
        else:
            differences.append(f"output of clip {number}, by {difference:.3g}")
    return Parity(
        recordings=len(recordings),
        features_equal=features_equal,
        clips=len(inputs),
        outputs_equal=outputs_equal,
        max_abs_difference=max(apart),
        first_difference=differences[0] if differences else "",
    )

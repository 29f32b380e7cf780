"""Streaming reference: the host's scores slice by slice for a sound that a board listens to.

The board's front end runs without a reset, and the model sees the newest 49 slices, silence before the first
(sketches/earshot/model_input.cpp). The host does the same at every slice, with the host's front end on the
whole sound and TensorFlow Lite's reference kernels. After slices at which a
board invoked its model, its scores must equal these; the rest are what a faster board would log.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data.features import SLICES, WINDOW_SAMPLES
from models.data.front_ends import FrontEnd
from models.reference import ReferenceModel

BUFFER_SAMPLES = 256
"""Samples that the board's microphone delivers at once; the rest of its last buffer is silence."""


def streaming_slices(front_end: FrontEnd, sound: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Compute the slices of a whole sound without a reset, after one second of silence.

    Args:
        sound: int16 (N,), 16 kHz.

    Returns:
        uint16 (49 + slices, values): the model's window after n slices is [n : n + 49].
    """
    silence = np.tile(front_end.silence(), (SLICES, 1))
    heard = np.pad(sound, (0, -len(sound) % BUFFER_SAMPLES))
    if len(heard) < WINDOW_SAMPLES:
        return silence
    return np.concatenate([silence, front_end.slices(heard)])


def streaming_scores(
    reference: ReferenceModel, slices: NDArray[np.uint16], every: int = 1
) -> NDArray[np.uint8]:
    """Compute the scores of a board that invokes its model at regular slices.

    Args:
        every: slices from one inference to the next.

    Returns:
        uint8 (inferences, labels); row n belongs to the first n * every + 1 slices. (0, 0) without any.
    """
    front_end = reference.front_end
    windows = (front_end.window(slices[n : n + SLICES]) for n in range(1, len(slices) - SLICES + 1, every))
    scores = [scores_of(reference.raw_output(reference.tensor_of(window))) for window in windows]
    return np.stack(scores) if scores else np.zeros((0, 0), np.uint8)


def scores_of(output: np.ndarray) -> NDArray[np.uint8]:
    """Convert probabilities to the scores 0 to 255 that the board logs (sketches/earshot/scores.cpp).

    Args:
        output: int8 (probability * 256 - 128) or float32 (labels,), from `ReferenceModel.raw_output`.
    """
    if output.dtype == np.int8:
        return (output.astype(np.int16) + 128).astype(np.uint8)
    scaled = output.astype(np.float32) * np.float32(256)
    return np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255).astype(np.uint8)

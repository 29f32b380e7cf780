"""What the host hears slice by slice of a sound that a board listens to: the reference of its scores.

The board's front end runs on without a reset, and the model sees the newest 49 slices, those before the
first all 0 (sketches/earshot/model_input.cpp). The host does the same with the front end's op on the whole
sound and TensorFlow Lite's reference kernels, at every slice: at those slices where a board invoked its model
its scores have to be these, and all others tell what it would have heard if it were faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data.features import CHANNELS, SLICES, WINDOW_SAMPLES, micro_features
from models.reference import ReferenceModel

_BUFFER_SAMPLES = 256  # that a microphone delivers at once; what is left of its last buffer is silence


def streaming_features(sound: NDArray[np.int16]) -> NDArray[np.uint16]:
    """The features of a whole sound by a front end that runs on, and before them a second of none.

    Args:
        sound: int16 (N,), 16 kHz.

    Returns:
        uint16 (49 + slices, 40): the model's input after n slices is [n : n + 49].
    """
    before = np.zeros((SLICES, CHANNELS), np.uint16)
    heard = np.pad(sound, (0, -len(sound) % _BUFFER_SAMPLES))
    if len(heard) < WINDOW_SAMPLES:
        return before
    return np.concatenate([before, micro_features(heard)])


def streaming_scores(reference: ReferenceModel, features: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The scores that a board logs if it invokes its model after every slice.

    Args:
        reference: the model.
        features: of `streaming_features`.

    Returns:
        uint8 (slices, labels); row n is of the first n + 1 slices. (0, 0) without any.
    """
    windows = (features[n : n + SLICES] for n in range(1, len(features) - SLICES + 1))
    scores = [scores_of(reference.raw_output(reference.tensor_of(window))) for window in windows]
    return np.stack(scores) if scores else np.zeros((0, 0), np.uint8)


def scores_of(output: np.ndarray) -> NDArray[np.uint8]:
    """A model's output as the scores that the board logs (sketches/earshot/scores.cpp).

    Args:
        output: int8 or float32 (labels,), as `ReferenceModel.raw_output` gives it.
    """
    if output.dtype == np.int8:
        return (output.astype(np.int16) + 128).astype(np.uint8)
    scaled = output.astype(np.float32) * np.float32(256)
    return np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255).astype(np.uint8)

"""The micro front end: audio to features, and features to what a model takes, in the integers of the board.

The oracle is TensorFlow's audio_microfrontend op with the parameters of the micro_speech family
(tensorflow/examples/speech_commands/models.py, "preprocess: micro").
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import numpy as np

from models.quiet import quiet_tensorflow

WINDOW_SAMPLES, STRIDE_SAMPLES = 480, 320
"""30 ms every 20 ms, at 16 kHz."""
SLICES, CHANNELS = 49, 40
"""Of a second of audio."""
FLOAT_SCALE = 10 / 256
"""A u16 feature times this is the float feature: 0 to about 26."""


def micro_features(audio: np.ndarray) -> np.ndarray:
    """The micro front end's features of one clip; its noise estimate starts afresh with every call.

    Args:
        audio: int16 (N,), 16 kHz, N >= 480.

    Returns:
        uint16 (slices, 40) with slices = (N - 480) // 320 + 1: 49 for a second.

    Raises:
        ValueError: the audio is not int16, not one channel, or shorter than a window.
    """
    if audio.dtype != np.int16 or audio.ndim != 1 or len(audio) < WINDOW_SAMPLES:
        raise ValueError(f"int16 (N >= {WINDOW_SAMPLES},) is needed, not {audio.dtype} {audio.shape}")
    tensorflow, front_end = _oracle()
    features = front_end(
        tensorflow.constant(audio),
        sample_rate=16_000,
        window_size=30,
        window_step=20,
        num_channels=CHANNELS,
        lower_band_limit=125.0,
        upper_band_limit=7500.0,
        smoothing_bits=10,
        even_smoothing=0.025,
        odd_smoothing=0.06,
        min_signal_remaining=0.05,
        enable_pcan=True,
        pcan_strength=0.95,
        pcan_offset=80.0,
        gain_bits=21,
        enable_log=True,
        scale_shift=6,
        out_scale=1,
        out_type=tensorflow.uint16,
    )
    return features.numpy()


def float_features(features: np.ndarray) -> np.ndarray:
    """What a float model takes: uint16 (..., 40) to float32 of the same shape, 0 to about 26, without rounding."""
    return features.astype(np.float32) * np.float32(FLOAT_SCALE)


def feature_divisor(scale: float) -> int:
    """The divisor that turns a u16 feature into an int8 input of this scale: 666 for the classic 26/256.

    q = float feature / scale = u16 * 10 / 256 / scale = u16 * 256 / (scale * 6553.6); rounded to an integer, so that
    host and board divide alike.

    Args:
        scale: the scale of the model's input tensor, > 0.
    """
    divisor = round(scale * 6553.6)
    if divisor < 1:
        raise ValueError(f"an input scale of {scale} is too small for micro features")
    return divisor


def quantize_features(features: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """What an int8 model takes: clamp((u16 * 256 + D // 2) // D + zero point, -128, 127), D of `feature_divisor`.

    Args:
        features: uint16 (..., 40).
        scale: of the model's input tensor.
        zero_point: of the model's input tensor, -128 to 127.

    Returns:
        int8 of the same shape.
    """
    divisor = feature_divisor(scale)
    quotient = (features.astype(np.int64) * 256 + divisor // 2) // divisor
    return np.clip(quotient + zero_point, -128, 127).astype(np.int8)


def feature_crc(features: np.ndarray) -> int:
    """CRC-32 (zlib) of uint16 features as little-endian bytes; the board computes the same over its own."""
    return zlib.crc32(features.astype("<u2").tobytes())


@cache
def _oracle() -> tuple[Any, Any]:
    """TensorFlow and the op; imported here because that takes seconds and most commands need neither."""
    quiet_tensorflow()
    import tensorflow
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    return tensorflow, audio_microfrontend_op.audio_microfrontend

"""The micro front end: TensorFlow's audio_microfrontend op with the parameters of the micro_speech family.

Source: tensorflow/examples/speech_commands/models.py, "preprocess: micro".
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from models.log_filter import quiet_tensorflow

LIBRARY = "EarshotFrontEnd"
WINDOW_SAMPLES, STRIDE_SAMPLES = 480, 320
"""30 ms every 20 ms, at 16 kHz."""
SLICES, CHANNELS = SHAPE = (49, 40)
"""Slices and channels of a second of audio."""


def features(audio: np.ndarray) -> np.ndarray:
    """Compute the features of one clip; the noise estimate starts afresh with every call.

    Args:
        audio: int16 (N,), 16 kHz, N >= 480.

    Returns:
        uint16 (slices, 40) with slices = (N - 480) // 320 + 1: 49 for a second.

    Raises:
        ValueError: the audio is not int16, not one channel, or shorter than a window.
    """
    if audio.dtype != np.int16 or audio.ndim != 1 or len(audio) < WINDOW_SAMPLES:
        raise ValueError(f"audio must be int16 (N,), N >= {WINDOW_SAMPLES}, not {audio.dtype} {audio.shape}")
    tensorflow, operator = _tensorflow()
    return operator(
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
    ).numpy()


@cache
def _tensorflow() -> tuple[Any, Any]:
    """Import TensorFlow and the op; here because that takes seconds and most commands need neither."""
    quiet_tensorflow()
    import tensorflow
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    return tensorflow, audio_microfrontend_op.audio_microfrontend

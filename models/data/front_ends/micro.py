"""The micro front end: TensorFlow's microfrontend library with the parameters of the micro_speech family.

Source: tensorflow/examples/speech_commands/models.py, "preprocess: micro".
"""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

from models.tflite import tensorflow_folder

LIBRARY = "EarshotFrontEnd"
WINDOW_SAMPLES, STRIDE_SAMPLES = 480, 320
"""30 ms every 20 ms, at 16 kHz."""
SLICES, CHANNELS = SHAPE = (49, 40)
"""Slices and channels of a second of audio."""

_RATE_HZ = 16_000
_STATE_BYTES = 4096
"""More than a FrontendState of that library takes, which has less than 300."""


class _Config(ctypes.Structure):
    """FrontendConfig of tensorflow/lite/experimental/microfrontend/lib/frontend_util.h."""

    _fields_ = [
        ("window_ms", ctypes.c_size_t),
        ("stride_ms", ctypes.c_size_t),
        ("channels", ctypes.c_int),
        ("upper_band_limit", ctypes.c_float),
        ("lower_band_limit", ctypes.c_float),
        ("output_scale_shift", ctypes.c_int),
        ("smoothing_bits", ctypes.c_int),
        ("even_smoothing", ctypes.c_float),
        ("odd_smoothing", ctypes.c_float),
        ("min_signal_remaining", ctypes.c_float),
        ("enable_pcan", ctypes.c_int),
        ("pcan_strength", ctypes.c_float),
        ("pcan_offset", ctypes.c_float),
        ("gain_bits", ctypes.c_int),
        ("enable_log", ctypes.c_int),
        ("scale_shift", ctypes.c_int),
    ]


class _Output(ctypes.Structure):
    """FrontendOutput of the same library: the features of a slice, or no values."""

    _fields_ = [("values", ctypes.c_void_p), ("size", ctypes.c_size_t)]


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
    library, config = _library()
    audio = np.ascontiguousarray(audio)
    found = np.empty(((len(audio) - WINDOW_SAMPLES) // STRIDE_SAMPLES + 1, CHANNELS), np.uint16)
    state, read = ctypes.create_string_buffer(_STATE_BYTES), ctypes.c_size_t()
    if not library.FrontendPopulateState(ctypes.byref(config), state, _RATE_HZ):
        raise MemoryError("the front end has no memory for its state")
    sound, row = audio.ctypes.data, found.ctypes.data
    end, row_end = sound + audio.nbytes, row + found.nbytes
    while row < row_end:
        output = library.FrontendProcessSamples(state, sound, (end - sound) // 2, ctypes.byref(read))
        sound += 2 * read.value
        if output.values:
            ctypes.memmove(row, output.values, found[0].nbytes)
            row += found[0].nbytes
    library.FrontendFreeStateContents(state)
    return found


@cache
def _library() -> tuple[ctypes.CDLL, _Config]:
    """Load the library out of TensorFlow's op: that takes 20 ms, and TensorFlow 4 s of processor time."""
    folder = tensorflow_folder() / "lite" / "experimental" / "microfrontend" / "python" / "ops"
    library = ctypes.CDLL(str(folder / "_audio_microfrontend_op.so"))
    pointer = ctypes.c_void_p
    library.FrontendPopulateState.argtypes = pointer, pointer, ctypes.c_int
    library.FrontendProcessSamples.argtypes = pointer, pointer, ctypes.c_size_t, pointer
    library.FrontendProcessSamples.restype = _Output
    library.FrontendFreeStateContents.argtypes = (pointer,)
    config = _Config()
    library.FrontendFillConfigWithDefaults(ctypes.byref(config))
    config.window_ms, config.stride_ms, config.channels = 30, 20, CHANNELS
    config.lower_band_limit, config.upper_band_limit = 125.0, 7500.0
    config.smoothing_bits, config.even_smoothing, config.odd_smoothing = 10, 0.025, 0.06
    config.min_signal_remaining = 0.05
    config.enable_pcan, config.pcan_strength, config.pcan_offset, config.gain_bits = 1, 0.95, 80.0, 21
    config.enable_log, config.scale_shift = 1, 6
    return library, config

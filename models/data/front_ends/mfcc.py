"""The MFCC of MLPerf Tiny's keyword models: 10 coefficients of 40 mel channels, 49 slices, loudest sample 1.

Source: mlcommons/tiny, benchmark/training/keyword_spotting/get_dataset.py, feature type "mfcc". The reference
divides a clip by its largest sample. Here a slice has that of its 480 samples as an 11th value, and `window`
shifts the first coefficient of all slices by the largest: the logarithm of a factor. Windows of digital
silence stay what they are, as in the reference.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.data import mel

LIBRARY = "EarshotMfcc"
CODE = (mel,)
"""Modules that the features depend on, beside this one."""
SLICES, COEFFICIENTS = SHAPE = (49, 10)
ZERO, SCALE = 1 << 15, 1 / 256
"""A uint16 feature u is the coefficient (u - ZERO) * SCALE."""

TABLE_BITS = 15
LEVEL_FACTOR = round(2 * mel.CHANNELS / math.sqrt(2 * mel.CHANNELS) * math.log(2) / SCALE * 2**6)
"""Steps of the first coefficient for a factor of 2, with 6 fractional bits."""


def cosines() -> list[list[int]]:
    """Return the DCT of `tf.signal.mfccs_from_log_mel_spectrograms` for log2 instead of ln, (10, 40)."""
    scale = 2 / math.sqrt(2 * mel.CHANNELS) * math.log(2) * 2**TABLE_BITS
    return [
        [round(scale * math.cos(math.pi * k * (2 * n + 1) / (2 * mel.CHANNELS))) for n in range(mel.CHANNELS)]
        for k in range(COEFFICIENTS)
    ]


def slices(audio: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Compute the slices of a sound, uint16 (N, 11): coefficients of full scale 1, and the largest sample."""
    windows = mel.frames(audio)
    sums = mel.log_mel(windows) @ _cosines().T
    shift = mel.LOG_BITS + TABLE_BITS - 8  # to 1 / SCALE = 2^8
    coefficients = np.clip((sums + (1 << (shift - 1))) >> shift, -ZERO, ZERO - 1) + ZERO
    largest = np.maximum(windows.max(1), 1)
    return np.column_stack([coefficients, largest]).astype(np.uint16)


def window(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the features of slices (N, 11) relative to their largest sample, uint16 (N, 10)."""
    octaves = (15 << mel.LOG_BITS) - mel.log2(values[:, COEFFICIENTS].max(keepdims=True).astype(np.uint64))[0]
    shift = (int(octaves) * LEVEL_FACTOR + (1 << 21)) >> 22
    features = values[:, :COEFFICIENTS].copy()
    heard = features[:, 0] != silence()[0]
    first = np.minimum(features[:, 0].astype(np.int64) + shift, (1 << 16) - 1)
    features[:, 0] = np.where(heard, first, features[:, 0])
    return features


def features(audio: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Compute the features of one clip, uint16 (slices, 10).

    Raises:
        ValueError: the audio is not int16, not one channel, or shorter than a window.
    """
    return window(slices(audio))


@cache
def silence() -> NDArray[np.uint16]:
    """Return the slice of digital silence, uint16 (11,)."""
    return slices(np.zeros(mel.WINDOW_SAMPLES, np.int16))[0]


@cache
def _cosines() -> NDArray[np.int64]:
    return np.array(cosines(), np.int64)

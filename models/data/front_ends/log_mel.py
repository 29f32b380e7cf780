"""The logarithm of 40 mel channels from 20 to 4,000 Hz, as the MFCC have it before their cosine transform.

A feature is ln(magnitude) + 15.2 for a sound of full scale 1: 0 is less than a step of 16 bits, digital
silence 1.4. Nothing depends on other slices.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.data import mel

LIBRARY = "EarshotLogMel"
CODE = (mel,)
"""Modules that the features depend on, beside this one."""
SLICES, CHANNELS = SHAPE = (49, mel.CHANNELS)
SCALE = 1 / 1024
"""The value of a step of a feature."""

FLOOR_LOG = mel.OFFSET_BITS << mel.LOG_BITS
FACTOR = round(math.log(2) / SCALE)
"""Steps of a feature for a factor of 2."""


def features(audio: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Compute the features of a sound, uint16 (slices, 40).

    Raises:
        ValueError: the audio is not int16, not one channel, or shorter than a window.
    """
    above = mel.log_mel(mel.frames(audio)) - FLOOR_LOG
    return ((above * FACTOR + (1 << 15)) >> 16).astype(np.uint16)


@cache
def silence() -> NDArray[np.uint16]:
    """Return the slice of digital silence, uint16 (40,)."""
    return features(np.zeros(mel.WINDOW_SAMPLES, np.int16))[0]

"""Sound levels in dB re full scale (dBFS), and stimuli scaled to a level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound.recordings import is_silence
from harness.sound.stimulus import Stimulus
from models.data.wav import FULL_SCALE

SILENCE_DBFS = 20 * np.log10(1 / np.sqrt(12) / FULL_SCALE)
"""-101.1 dB, the rounding error of digital silence: the lowest level reported."""


def rms_dbfs(samples: NDArray[np.int16]) -> float:
    """Return the RMS of int16 samples (N,) re 32768, at least -101.1 dB; a full-scale sine has -3 dB."""
    if not len(samples):
        return float(SILENCE_DBFS)
    return power_dbfs(float(np.mean(samples.astype(np.float64) ** 2)))


def power_dbfs(power: float) -> float:
    """Convert a mean square in steps of int16 to dBFS, at least -101.1 dB."""
    return float(10 * np.log10(max(power, 1 / 12) / FULL_SCALE**2))


def clipped_samples(samples: NDArray[np.int16]) -> int:
    """Count the samples at the limits of int16."""
    return int(np.count_nonzero((samples >= FULL_SCALE - 1) | (samples <= -FULL_SCALE + 1)))


def speech_dbfs(stimulus: Stimulus) -> float:
    """Return the RMS over the active parts of a stimulus's words; over all of it, if nothing is spoken."""
    parts = [
        stimulus.samples[word.onset_sample : word.end_sample]
        for word in stimulus.words
        if not is_silence(word.word)
    ]
    return rms_dbfs(np.concatenate(parts) if parts else stimulus.samples)


def at_level(stimulus: Stimulus, level_dbfs: float) -> tuple[Stimulus, float]:
    """Scale a stimulus so that its words' active parts together have this RMS; also return the gain in dB.

    Raises:
        UsageError: the words would clip; the remedy names the highest possible level.
    """
    gain_db = level_dbfs - speech_dbfs(stimulus)
    peak = float(np.abs(stimulus.samples.astype(np.float64)).max(initial=1.0))
    room_db = 20 * np.log10((FULL_SCALE - 1) / peak) - gain_db
    if room_db < 0:
        raise UsageError(
            f"the words would clip at {level_dbfs:.1f} dBFS",
            where="level_dbfs of [speaker]",
            remedy=f"Set it to {np.floor((level_dbfs + room_db) * 10) / 10:.1f} or less, and turn the "
            "loudspeaker up instead.",
        )
    scaled = np.rint(stimulus.samples * 10 ** (gain_db / 20)).astype(np.int16)
    return replace(stimulus, samples=scaled), gain_db

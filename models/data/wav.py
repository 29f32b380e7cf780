"""Recordings on disk: read as 16 kHz mono int16 whatever their format, written as 16-bit WAV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from models.errors import DatasetError

SAMPLE_RATE_HZ = 16_000
FULL_SCALE = 32_768
"""Full scale of int16; 0 dBFS is a root mean square of this value."""


def read_wav(path: Path) -> tuple[NDArray[np.int16], str]:
    """Read a recording as int16 samples (N,) at 16 kHz.

    A 16-bit mono file at 16 kHz is returned bit by bit. Several channels are averaged; another rate is
    resampled by soxr at high quality.

    Returns:
        The samples, and a note on conversions; empty if there were none.

    Raises:
        DatasetError: the file is missing, not a sound file, empty, or holds values that are not numbers.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz, channels, coding = file.samplerate, file.channels, file.subtype
            unchanged = (rate_hz, channels, coding) == (SAMPLE_RATE_HZ, 1, "PCM_16")
            samples = file.read(dtype="int16" if unchanged else "float64")
    except (soundfile.SoundFileError, OSError) as problem:
        raise _unusable(path, f"the recording cannot be read: {_reason(problem)}") from problem
    if not len(samples):
        raise _unusable(path, "the recording is empty")
    if unchanged:
        return samples, ""
    if not np.isfinite(samples).all():
        raise _unusable(path, "the recording holds values that are not numbers")

    changes = []
    if channels > 1:
        samples = samples.mean(axis=1)
        changes.append(f"mean of {channels} channels")
    if rate_hz != SAMPLE_RATE_HZ:
        samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
        changes.append(f"resampled from {rate_hz:,} Hz")
    if coding != "PCM_16":
        changes.append(f"{coding} rounded to 16 bits")
    scaled = np.rint(samples * FULL_SCALE)
    clipped = int(np.count_nonzero((scaled < -FULL_SCALE) | (scaled > FULL_SCALE - 1)))
    if clipped:
        changes.append(f"{clipped} samples clipped")
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), ", ".join(changes)


def to_int16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Convert samples in [-1, 1] to int16 as Speech Commands models do: times 32768, clipped, truncated."""
    return np.clip(samples * FULL_SCALE, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write int16 samples (N,) as a 16 kHz mono WAV file; equal samples give equal bytes.

    Raises:
        DatasetError: the file cannot be written.
    """
    try:
        soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    except (soundfile.SoundFileError, OSError) as problem:
        raise DatasetError(f"the sound cannot be written: {_reason(problem)}", where=str(path)) from problem


def _unusable(path: Path, what: str) -> DatasetError:
    return DatasetError(what, where=str(path), remedy="Replace the file by an intact copy, or remove it.")


def _reason(problem: Exception) -> str:
    return str(problem).strip().rstrip(".") or type(problem).__name__

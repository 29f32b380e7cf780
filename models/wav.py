"""Recordings on disk: read as 16 kHz mono whatever they are, written as 16-bit WAV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from models.errors import DatasetError

SAMPLE_RATE_HZ = 16_000
FULL_SCALE = 32_768


def read_mono(path: Path) -> tuple[np.ndarray, str]:
    """A recording as float32 samples in [-1, 1), 16 kHz, one channel.

    Returns:
        The samples (N,) and a note that says what was converted, empty when nothing was.

    Raises:
        DatasetError: the file is missing, is no audio, or holds no sample.
    """
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)  # (N, channels)
    except (soundfile.SoundFileError, OSError) as error:
        what = "the recording cannot be read" if path.exists() else "the recording is not there"
        raise DatasetError(
            f"{what}: {_reason(error)}", str(path), "Replace the file by an intact copy or remove it."
        ) from error
    if not len(samples):
        raise DatasetError(
            "the recording is empty", str(path), "Replace the file by an intact copy or remove it."
        )
    if not np.isfinite(samples).all():
        raise DatasetError(
            "the recording holds samples that are no numbers",
            str(path),
            "Replace the file by an intact copy or remove it.",
        )
    changes = []
    channels = samples.shape[1]
    mono = samples[:, 0]
    if channels > 1:
        mono = samples.mean(axis=1, dtype=np.float32)
        changes.append(f"{channels} channels averaged")
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
        changes.append(f"resampled from {rate_hz:,} Hz")
    return mono, ", ".join(changes)


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Float samples, clipped to ±1 and times 32768, as int16 (1.0 becomes 32767)."""
    return np.clip(samples * FULL_SCALE, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def write_int16(path: Path, samples: np.ndarray) -> None:
    """Writes int16 samples (N,) as a 16 kHz mono 16-bit WAV file; the same samples give the same bytes."""
    soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".").splitlines()[-1] if str(error).strip() else type(error).__name__

"""The files that a plan names: read as it says they are, or refused when they are missing or have changed."""

from __future__ import annotations

import os
from functools import lru_cache
from math import ceil, gcd
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from harness.errors import UsageError
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ, read_wav
from models.errors import DatasetError
from models.store import sha256_of

SHORTEST_REPEATED_S = 1.0
"""Of a file of noise."""

_PADDING = SAMPLE_RATE_HZ // 20  # around a stretch that is resampled: longer than soxr's filter
_SEAM = SAMPLE_RATE_HZ // 100  # where a sound that is repeated starts again


def check_file(path: Path, sha256: str) -> None:
    """Whether a file is there and has this hash; computed once as long as the file is not written to.

    Raises:
        UsageError: missing, unreadable or changed.
    """
    try:
        status = path.stat()
        digest = _digest(path, status.st_mtime_ns, status.st_size)
    except OSError as problem:
        raise UsageError(
            f"a file of the plan cannot be read: {problem.strerror}",
            where=str(path),
            remedy="Restore it, set the plan's `folder` to where it is, or make a new plan.",
        ) from problem
    if digest != sha256:
        raise UsageError(
            "a file is not the one that was planned with: its sha256 differs",
            where=str(path),
            remedy="Restore it, or make a new plan: what was measured before is of another sound.",
        )


@lru_cache(maxsize=512)
def recording(path: Path, sha256: str) -> NDArray[np.int16]:
    """The samples of a plan's recording, int16 (N,) at 16 kHz; not to be written to.

    Raises:
        UsageError: missing, unreadable or changed.
    """
    check_file(path, sha256)
    try:
        samples = read_wav(path)[0]
    except DatasetError as problem:
        raise UsageError(problem.what, where=problem.where, remedy=problem.remedy) from problem
    samples.flags.writeable = False
    return samples


def length_of(path: Path) -> int:
    """Samples that a sound file has at 16 kHz.

    Raises:
        UsageError: it cannot be read as sound.
    """
    try:
        with soundfile.SoundFile(path) as file:
            return int(file.frames * SAMPLE_RATE_HZ // file.samplerate)
    except (soundfile.SoundFileError, OSError) as problem:
        raise _unreadable(path, problem) from problem


def stretch(path: Path, start: int, count: int) -> NDArray[np.float32]:
    """A part of a sound file that may be too long to be read as a whole.

    Args:
        path: of any rate and number of channels; the mean of these is taken.
        start: first sample, at 16 kHz.
        count: samples at 16 kHz.

    Returns:
        float32 (count,) in steps of int16; zeros behind the file's end.

    Raises:
        UsageError: it cannot be read as sound.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = file.samplerate
            first, skipped = (start, 0) if rate_hz == SAMPLE_RATE_HZ else _before(start, rate_hz)
            frames = ceil((skipped + count + _PADDING) * rate_hz / SAMPLE_RATE_HZ)
            file.seek(min(max(first, 0), file.frames))
            read = file.read(frames + min(first, 0), dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.SoundFileError, OSError) as problem:
        raise _unreadable(path, problem) from problem
    sound = np.zeros(frames, np.float32)
    before = max(-first, 0)
    sound[before : before + len(read)] = read
    if rate_hz != SAMPLE_RATE_HZ:
        sound = soxr.resample(sound, rate_hz, SAMPLE_RATE_HZ)
    return np.nan_to_num(sound[skipped : skipped + count]) * np.float32(FULL_SCALE)


def _before(start: int, rate_hz: int) -> tuple[int, int]:
    """A frame of a file that coincides with a sample at 16 kHz, and how many of these it is before `start`.

    Stretches of a file are so the same as parts of the whole file resampled.
    """
    together = SAMPLE_RATE_HZ // gcd(rate_hz, SAMPLE_RATE_HZ)
    sample = (start - _PADDING) // together * together
    return sample * rate_hz // SAMPLE_RATE_HZ, start - sample


def repeated(path: Path, start: int, count: int) -> NDArray[np.float32]:
    """A sound file from `start` on, from its beginning again where it ends; float32 (count,) as `stretch`.

    Raises:
        UsageError: it cannot be read as sound, or is shorter than a second: it would become a tone.
    """
    whole = length_of(path)
    if whole < SHORTEST_REPEATED_S * SAMPLE_RATE_HZ:
        raise UsageError(
            f"{whole / SAMPLE_RATE_HZ:.2f} s of noise are too short",
            where=str(path),
            remedy=f"Give a file of at least {SHORTEST_REPEATED_S:g} s; it is repeated where it ends.",
        )
    start = min(start, whole - 2 * _SEAM)
    sound = np.zeros(count, np.float32)
    rise = np.sin(np.linspace(0, np.pi / 2, _SEAM, dtype=np.float32))
    position = 0
    while True:
        piece = stretch(path, start, min(whole - start, count - position))
        if position:
            piece[:_SEAM] *= rise[: len(piece)]
        stop = position + len(piece)
        if stop == count:
            sound[position:] += piece
            return sound
        piece[-_SEAM:] *= rise[::-1]
        sound[position:stop] += piece
        position, start = stop - _SEAM, 0


@lru_cache(maxsize=4096)
def _digest(path: Path, written_ns: int, size: int) -> str:
    return sha256_of(path)


def _unreadable(path: Path, problem: Exception) -> UsageError:
    reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return UsageError(
        f"the sound cannot be read: {os.fspath(reason).strip().rstrip('.')}",
        where=str(path),
        remedy="Give a WAV file that is whole.",
    )

"""Sound files of a playback plan, checked against their hashes."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import UsageError
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ, open_sound, read_wav
from models.errors import wrong_download
from models.store import sha256_of

SHORTEST_REPEATED_S = 1.0  # a shorter noise file would become a tone

_PADDING = SAMPLE_RATE_HZ // 20  # around a part that is resampled: longer than soxr's filter
_SEAM = SAMPLE_RATE_HZ // 100  # crossfade from the end of a file to its beginning


def check_file(path: Path, sha256: str) -> None:
    """Check that a file exists and has this hash; the hash is cached until the file is written to.

    Raises:
        UsageError: the file is missing, unreadable or changed.
    """
    try:
        digest = digest_of(path)
    except OSError as problem:
        raise UsageError(
            f"a file of the plan cannot be read: {problem.strerror}",
            where=str(path),
            remedy="Restore it, correct the plan's `folder`, or make a new plan.",
        ) from problem
    if digest != sha256:
        raise wrong_download(path, UsageError) or UsageError(
            "a file has changed since it was planned: its sha256 differs",
            where=str(path),
            remedy="Restore it, or make a new plan; earlier results belong to the original file.",
        )


def recording(path: Path, sha256: str) -> NDArray[np.int16]:
    """Return the samples of a plan's recording after `check_file`; see `read_once`."""
    check_file(path, sha256)
    return read_once(path)[0]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, which is read once until it is written to."""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


def read_once(path: Path) -> tuple[NDArray[np.int16], str]:
    """Read a recording as `read_wav` does, once until it is written to; the samples are read-only."""
    try:
        status = path.stat()
    except OSError:
        return read_wav(path)  # states the reason
    return _samples(path, status.st_mtime_ns, status.st_size)


def length_of(path: Path) -> int:
    """Return the length of a sound file in samples at 16 kHz."""
    with open_sound(path) as sound:
        return sound.frames * SAMPLE_RATE_HZ // sound.rate_hz


def notes_on(path: Path) -> list[str]:
    """Return remarks on how a sound file is read."""
    with open_sound(path) as sound:
        return list(sound.notes)


def read_part(path: Path, start: int, count: int) -> NDArray[np.float32]:
    """Read a part of a sound file that may be too long to read as a whole.

    Args:
        path: of any rate and number of channels; see `open_sound`.
        start: first sample, at 16 kHz.
        count: samples at 16 kHz.

    Returns:
        float32 (count,) in steps of int16; zeros past the end of the file.

    Raises:
        DatasetError: it cannot be read as sound.
    """
    with open_sound(path) as sound:
        rate_hz = sound.rate_hz
        first, skipped = (start, 0) if rate_hz == SAMPLE_RATE_HZ else _aligned_frame(start, rate_hz)
        frames = ceil((skipped + count + _PADDING) * rate_hz / SAMPLE_RATE_HZ)
        part = np.zeros(frames, np.float32)
        position = max(-first, 0)
        sound.seek(min(max(first, 0), sound.frames))
        for block in sound.blocks(min(frames - position, sound.frames - max(first, 0)), "float32"):
            part[position : position + len(block)] = block
            position += len(block)
    if rate_hz != SAMPLE_RATE_HZ:
        part = soxr.resample(part, rate_hz, SAMPLE_RATE_HZ)
    return part[skipped : skipped + count] * np.float32(FULL_SCALE)


def _aligned_frame(start: int, rate_hz: int) -> tuple[int, int]:
    """Find a frame before `start` that falls on a 16 kHz sample; return it and the samples up to `start`.

    Resampled from there, a part equals the same part of the whole file resampled.
    """
    period = SAMPLE_RATE_HZ // gcd(rate_hz, SAMPLE_RATE_HZ)
    sample = (start - _PADDING) // period * period
    return sample * rate_hz // SAMPLE_RATE_HZ, start - sample


def repeated(path: Path, start: int, count: int) -> NDArray[np.float32]:
    """Read a sound file from `start` on, repeated from its beginning; float32 (count,) as in `read_part`.

    Raises:
        DatasetError: the file cannot be read as sound.
        UsageError: it is shorter than a second.
    """
    whole = length_of(path)
    if whole < SHORTEST_REPEATED_S * SAMPLE_RATE_HZ:
        raise UsageError(
            f"the noise lasts only {whole / SAMPLE_RATE_HZ:.2f} s",
            where=str(path),
            remedy=f"Give at least {SHORTEST_REPEATED_S:g} s of noise; a shorter file repeated makes a tone.",
        )
    start = min(start, whole - 2 * _SEAM)
    sound = np.zeros(count, np.float32)
    rise = np.sin(np.linspace(0, np.pi / 2, _SEAM, dtype=np.float32))
    position = 0
    while True:
        piece = read_part(path, start, min(whole - start, count - position))
        if position:
            piece[:_SEAM] *= rise[: len(piece)]
        stop = position + len(piece)
        if stop == count:
            sound[position:] += piece
            return sound
        piece[-_SEAM:] *= rise[::-1]
        sound[position:stop] += piece
        position, start = stop - _SEAM, 0


@lru_cache(maxsize=512)
def _samples(path: Path, written_ns: int, size: int) -> tuple[NDArray[np.int16], str]:
    samples, note = read_wav(path)
    samples.flags.writeable = False
    return samples, note


@lru_cache(maxsize=4096)
def _digest(path: Path, written_ns: int, size: int) -> str:
    return sha256_of(path)

"""Recordings on disk: read as 16 kHz mono int16 in any format of libsndfile, written as 16-bit WAV."""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from models.errors import DatasetError, wrong_download

SAMPLE_RATE_HZ = 16_000
FULL_SCALE = 32_768
"""Full scale of int16; 0 dBFS is a root mean square of this value."""

RATES_HZ = 4_000, 768_000
"""Lowest and highest sample rate that is read: half the rate of a telephone, and the highest of audio
converters."""
MOST_CHANNELS = 64
LONGEST_S = 600.0
"""Longest recording that is read as a whole, 20 MB as int16."""

_BLOCK_VALUES = 2**20  # numbers read at once, 8 MiB
_CUT_OFF_S = 0.01  # a header may count its own 44 bytes as sound
_UNKNOWN_BYTES = 0x7FFF_0000  # programs that write into a pipe promise more
_UNKNOWN_FRAMES = 2**62  # libsndfile gives more for a FLAC file without a length
_PROMISE = re.compile(r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
_FACT = re.compile(r"^ *frames +: (\d+)", re.MULTILINE)
_NO_DATA = re.compile(r"^data : 0$", re.MULTILINE)
_NO_LENGTH = "the header gives no length: read to the end of the file"
_LARGEST = 16.0
"""Limit of samples relative to full scale. Floating-point samples lie between -1 and 1; a program that writes
them in the steps of int16 exceeds this, and all of its sound would be clipped."""
_CANCELED = 4  # channels that cancel leave less than this part of the power of unrelated ones


class SoundFile:
    """An open sound file that is read as one channel, in steps of full scale.

    Attributes:
        path: the file.
        rate_hz, channels, coding: as in the file.
        frames: length at its own rate.
        notes: remarks on its header and its channels.
    """

    def __init__(self, path: Path, file: soundfile.SoundFile, notes: Sequence[str]) -> None:
        self.path, self._file = path, file
        self.rate_hz, self.channels, self.coding = file.samplerate, file.channels, file.subtype
        if not RATES_HZ[0] <= self.rate_hz <= RATES_HZ[1] or self.channels > MOST_CHANNELS:
            raise _unusable(
                path,
                f"its header gives {self.rate_hz:,} Hz and {self.channels:,} channels, not "
                f"{RATES_HZ[0]:,} to {RATES_HZ[1]:,} Hz and at most {MOST_CHANNELS}",
            )
        self.frames: int = file.frames
        if self.frames > _UNKNOWN_FRAMES:  # libsndfile then cannot read to the end
            raise _unusable(path, "its header gives no length, as when an encoder writes into a pipe")
        counted = _FACT.search(file.extra_info)
        if counted and not file.seekable():  # such a codec pads its last block
            self.frames = min(self.frames, int(counted[1]))
        self.notes = [*notes, *self._check_length()]
        status = path.stat()
        self._channel = 0 if self.channels == 1 else _loudest(path, status.st_mtime_ns, status.st_size)
        if self.channels > 1 and self._channel is not None:
            chosen = f"channel {self._channel + 1} of {self.channels}"
            self.notes.append(f"{chosen}, because the channels cancel each other")
        elif self.channels > 1:
            self.notes.append(f"mean of {self.channels} channels")
        if self.rate_hz != SAMPLE_RATE_HZ:
            self.notes.append(f"resampled from {self.rate_hz:,} Hz")

    def seek(self, frame: int) -> None:
        """Go to a frame, from the start of a file just opened."""
        if self._file.seekable():
            self._file.seek(frame)
        else:
            for _ in self.blocks(frame):
                pass

    def blocks(self, frames: int, dtype: str = "float64") -> Iterator[NDArray[Any]]:
        """Yield the next `frames` frames as blocks of one channel.

        Raises:
            DatasetError: the file ends too early, or holds values that are not numbers or are far too large.
        """
        for block in _raw_blocks(self._file, frames, dtype):
            frames -= len(block)
            if dtype != "int16" and not (np.abs(block) < _LARGEST).all():
                raise _unusable(
                    self.path,
                    "the recording holds values that are not numbers, or far beyond full scale (-1 to 1)",
                )
            yield block.mean(axis=1) if self._channel is None else block[:, self._channel]
        if frames > _CUT_OFF_S * self.rate_hz:
            missing_s, whole_s = frames / self.rate_hz, self.frames / self.rate_hz
            raise _cut_off(self.path, whole_s - missing_s, whole_s)

    def _check_length(self) -> list[str]:
        """Compare the length in the header with the file's length, as libsndfile logs both; return notes.

        Raises:
            DatasetError: a part of the sound is missing.
        """
        log = self._file.extra_info
        promise = _PROMISE.search(log)
        if not promise and "wasn't closed properly" in log:  # libsndfile has corrected it
            return [_NO_LENGTH]
        if not promise:
            return ["unknown data behind the sound is not read"] if "Exiting parser" in log else []
        promised, found = int(promise[1]), int(promise[2])
        if promised >= _UNKNOWN_BYTES > found:
            return [_NO_LENGTH]
        present_s = self.frames / self.rate_hz
        missing_s = present_s * (promised / max(found, 1) - 1)
        if missing_s > _CUT_OFF_S:
            raise _cut_off(self.path, present_s, present_s + missing_s)
        return [f"{missing_s * 1000:.1f} ms are missing at the end"] if missing_s > 0 else []


@contextmanager
def open_sound(path: Path) -> Iterator[SoundFile]:
    """Open a sound file; errors while it is read become a `DatasetError` as well.

    Raises:
        DatasetError: the file is missing, not a sound file, cut off, or outside `RATES_HZ` and
            `MOST_CHANNELS`.
    """
    try:
        if not path.is_file():
            raise OSError("this is not a file" if path.exists() else "the file does not exist")
        if not path.stat().st_size:
            raise OSError("the file has 0 bytes")
        with _opened(path) as (file, notes):
            yield SoundFile(path, file, notes)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as problem:
        unreadable = _unusable(path, f"the recording cannot be read: {_reason(problem)}")
        raise wrong_download(path, DatasetError) or unreadable from problem


class _Content(mmap.mmap):
    """A file in memory that is at its end where the header of a damaged file points outside it."""

    def seek(self, position: int, whence: Any = os.SEEK_SET) -> None:
        try:
            super().seek(position, whence)
        except ValueError:
            super().seek(0, os.SEEK_END)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[soundfile.SoundFile, tuple[str, ...]]]:
    """Open a file; add the length that its header lacks if the recorder was switched off while recording."""
    with soundfile.SoundFile(path) as file:
        if file.frames or not _NO_DATA.search(file.extra_info):
            yield file, ()
            return
    with path.open("rb") as stream, _Content(stream.fileno(), 0, access=mmap.ACCESS_COPY) as content:
        notes = (_NO_LENGTH,) if _write_length(content) else ()
        with soundfile.SoundFile(content) as file:
            yield file, notes


def read_wav(path: Path) -> tuple[NDArray[np.int16], str]:
    """Read a recording as int16 samples (N,) at 16 kHz.

    A 16-bit mono file at 16 kHz is returned unchanged. Several channels are averaged, or the loudest is taken
    if they cancel each other; another rate is resampled by soxr at high quality.

    Returns:
        The samples, and a note on conversions; empty if there were none.

    Raises:
        DatasetError: see `open_sound` and `SoundFile.blocks`; also if the file is empty or longer than
            `LONGEST_S`.
    """
    clipped, parts = 0, []
    with open_sound(path) as sound:
        if sound.frames > LONGEST_S * sound.rate_hz:
            raise DatasetError(
                f"the recording lasts {sound.frames / sound.rate_hz:,.0f} s, longer than {LONGEST_S:g} s",
                str(path),
                "Cut it into parts.",
            )
        if (sound.rate_hz, sound.channels, sound.coding) == (SAMPLE_RATE_HZ, 1, "PCM_16"):
            parts = list(sound.blocks(sound.frames, "int16"))
        else:
            for block in _resampled(sound):
                scaled = np.rint(block * FULL_SCALE)
                clipped += int(np.count_nonzero((scaled < -FULL_SCALE) | (scaled > FULL_SCALE - 1)))
                parts.append(np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16))
    if not any(map(len, parts)):
        raise _unusable(path, "the recording is empty")
    changes = [*sound.notes]
    if sound.coding != "PCM_16":
        changes.append(f"{sound.coding} rounded to 16 bits")
    if clipped:
        changes.append(f"{clipped} samples clipped")
    return np.concatenate(parts), ", ".join(changes)


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


def _resampled(sound: SoundFile) -> Iterator[NDArray[np.float64]]:
    """Yield a whole file in blocks at 16 kHz."""
    if sound.rate_hz == SAMPLE_RATE_HZ:
        yield from sound.blocks(sound.frames)
        return
    resampler = soxr.ResampleStream(sound.rate_hz, SAMPLE_RATE_HZ, 1, dtype="float64")
    for block in sound.blocks(sound.frames):
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0), last=True)


@lru_cache(maxsize=4096)
def _loudest(path: Path, written_ns: int, size: int) -> int | None:
    """Return the loudest channel if the channels cancel each other in their mean, as an inverted one does."""
    mixed = 0.0
    with _opened(path) as (file, _), np.errstate(over="ignore", invalid="ignore"):
        single = np.zeros(file.channels)
        for block in _raw_blocks(file, file.frames):
            mixed += float(np.square(block.mean(axis=1)).sum())
            single += np.square(block).sum(axis=0)
        return int(single.argmax()) if mixed < single.mean() / file.channels / _CANCELED else None


def _raw_blocks(file: soundfile.SoundFile, frames: int, dtype: str = "float64") -> Iterator[NDArray[Any]]:
    """Yield up to `frames` frames of all channels."""
    while frames > 0:
        block = file.read(min(frames, _BLOCK_VALUES // file.channels), dtype=dtype, always_2d=True)
        if not len(block):
            return
        frames -= len(block)
        yield block


def _write_length(content: mmap.mmap) -> bool:
    """Write the length of the sound into a header that gives 0; return False if no sound follows."""
    place = content.find(b"data\0\0\0\0", 12, 2**16) + 8
    follows = len(content) - place
    name, size = struct.unpack("<4sI", content[place : place + 8].ljust(8, b"\0"))
    if place < 8 or not follows or (name.isascii() and name.decode().isprintable() and size <= follows - 8):
        return False  # nothing, or another chunk
    order = ">" if content[:4] == b"RIFX" else "<"
    content[place - 4 : place] = struct.pack(f"{order}I", min(follows, 2**32 - 1))
    return True


def _cut_off(path: Path, present_s: float, whole_s: float) -> DatasetError:
    return _unusable(path, f"the recording is cut off: it ends after {present_s:.2f} of {whole_s:.2f} s")


def _unusable(path: Path, what: str) -> DatasetError:
    return DatasetError(what, where=str(path), remedy="Replace the file by an intact copy, or remove it.")


def _reason(problem: Exception) -> str:
    text = getattr(problem, "error_string", None) or getattr(problem, "strerror", None) or str(problem)
    return text.strip().removeprefix("Error : ").rstrip(".") or type(problem).__name__

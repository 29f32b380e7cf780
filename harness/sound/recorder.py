"""A user's own keywords: recorded with the host's microphone, checked, trimmed, listed, and played back."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.bench_file import SpeakerEntry
from harness.errors import AcousticFailed, UsageError
from harness.sound.levels import clipped_samples, rms_dbfs
from harness.sound.microphone import Microphone
from harness.sound.recording_scan import CLIPPED_FROM
from harness.sound.recordings import add_to_manifest
from harness.sound.speaker import Speaker
from harness.sound.stimulus import active_part
from models import progress
from models.data.dataset import BACKGROUND_FOLDER
from models.data.sound_folder import Excluded, list_sounds, warn_of
from models.data.wav import LONGEST_S, SAMPLE_RATE_HZ, read_wav, write_wav
from models.errors import DatasetError

MARGIN_S = 0.2
"""Kept on both sides of the word, for weak consonants that do not stand out from the noise."""

SHORTEST_S = 1.0
"""Input length of a model; a short word keeps this much of the take around it."""

QUIETEST_DBFS = -45.0
"""Lowest RMS of a word: below, 16 bits and the microphone's own noise begin to matter."""

CONTRAST_DB = 12.0
"""Lowest level difference between the word and the rest of the take; models learn from at least 5 dB."""

_ATTEMPTS = 4  # for one take; after that the cause is not the voice
_COUNTDOWN_S = 2
_METER_DB = 60


def record(
    label: str, folder: Path, device: str | None, takes: int, seconds: float, speaker: str = ""
) -> list[Path]:
    """Record a keyword several times into `<folder>/<label>/`, and list the takes in the folder's manifest.

    With speakers the folder is a dataset in the Speech Commands layout, whose background noise is
    recorded as the word `_background_noise_`: neither trimmed nor listed.

    A take that is silent, clipped or too noisy is refused with the reason and repeated. A folder with
    recordings but without a manifest gets none: there, the name of each file's folder is its word.

    Args:
        label: the word; becomes the folder's name.
        device: part of the microphone's name; None or empty for the system default.
        seconds: length of each take before trimming.
        speaker: names the files; letters and digits.

    Returns:
        The written files: 16 kHz, mono, 16 bit.

    Raises:
        UsageError: label or speaker cannot be a part of a path, takes or seconds are too few or too many, or
            the folder may not be written.
        AcousticFailed: no such microphone, it stopped, or a take was unusable four times in a row.
    """
    if not re.fullmatch(r"(?![.])[^/\\]*\w[^/\\]*", label) or not label.isprintable():
        raise UsageError(
            f"the label {label!r} cannot be the name of a folder",
            remedy="Use letters or digits, no / or \\, and no dot at the start.",
        )
    if speaker and not re.fullmatch(r"[^\W_]+", speaker):
        raise UsageError(
            f"the speaker's name {speaker!r} cannot be a part of a file's name",
            remedy="Use letters and digits only.",
        )
    if takes < 1 or not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageError(
            f"{takes} takes of {seconds:g} s cannot be recorded",
            remedy=f"Give at least one take, of {SHORTEST_S:g} to {LONGEST_S:g} s: longer ones are not read.",
        )
    microphone = Microphone(device)
    progress.log(f"Recording {takes} × {label!r} with {microphone.name}, {seconds:g} s each.")
    words = folder / label
    words.mkdir(parents=True, exist_ok=True)
    if not os.access(words, os.W_OK | os.X_OK):  # told before a take that could not be kept
        raise UsageError("the folder may not be written", where=str(words), remedy="Name another folder.")
    written = []
    for take in range(1, takes + 1):
        title, is_noise = f"{label} {take}/{takes}", label == BACKGROUND_FOLDER
        samples = _take(microphone, title, seconds) if is_noise else _usable_take(microphone, title, seconds)
        path = _free_path(words, f"{speaker}_nohash" if speaker and not is_noise else label)
        write_wav(path, samples)
        source = f"{microphone.name}, {date.today().isoformat()}"
        listed = is_noise or add_to_manifest(folder, path, label, source)
        progress.log(f"  saved as {path}{'' if listed else ' (the folder has no manifest)'}")
        written.append(path)
    return written


def trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Cut a take, int16 (N,), to its word with 0.2 s on both sides; keep at least 1 s if the take has it.

    Raises:
        AcousticFailed: see `spoken_part`; or the take is clipped.
    """
    clipped = clipped_samples(samples)
    if clipped >= CLIPPED_FROM:
        raise AcousticFailed(
            f"the take is clipped in {clipped} samples",
            remedy="Speak more softly, or turn the microphone down.",
        )
    start, end = spoken_part(samples)
    margin = max(round(MARGIN_S * SAMPLE_RATE_HZ), (round(SHORTEST_S * SAMPLE_RATE_HZ) - (end - start)) // 2)
    first = max(0, min(start - margin, len(samples) - round(SHORTEST_S * SAMPLE_RATE_HZ)))
    return samples[first : max(end + margin, first + round(SHORTEST_S * SAMPLE_RATE_HZ))]


def spoken_part(samples: NDArray[np.int16]) -> tuple[int, int]:
    """Return the first sample of a take's word, and one past its last.

    Raises:
        AcousticFailed: the take is silent, or hardly louder than its noise; the message says which.
    """
    start, end = active_part(samples)
    word_dbfs = rms_dbfs(samples[start:end])
    if word_dbfs < QUIETEST_DBFS:
        raise AcousticFailed(
            f"the take is silent: {word_dbfs:.0f} dBFS",
            remedy="Speak louder or nearer, turn the microphone up, and check that it is not muted.",
        )
    rest = np.concatenate((samples[:start], samples[end:]))
    if len(rest) < SAMPLE_RATE_HZ // 10:
        raise AcousticFailed(
            f"the sound of {word_dbfs:.0f} dBFS fills the whole take",
            remedy="Speak once, after the countdown, in a quiet room.",
        )
    if rms_dbfs(rest) > word_dbfs - CONTRAST_DB:
        raise AcousticFailed(
            f"no word stands out from the noise: {word_dbfs:.0f} dBFS, noise {rms_dbfs(rest):.0f} dBFS",
            remedy="Speak once, after the countdown, in a quiet room.",
        )
    return start, end


def play(paths: Sequence[Path], device: str | None) -> None:
    """Play recordings one after another, and log the level of each.

    Args:
        paths: WAV files, or folders of them.
        device: part of the output's name; None or empty for the system default.

    Raises:
        UsageError: there is nothing to play.
        DatasetError: the only file cannot be read as sound.
        AcousticFailed: see `harness.sound.speaker.Speaker.play`.
    """
    files = []
    for path in paths:
        found, excluded = list_sounds(path) if path.is_dir() else ([path], [])
        files += found
        warn_of(excluded, path)
    sounds = []
    for file in files:
        try:
            sounds.append((file, *read_wav(file)))
        except DatasetError as problem:
            if files == list(paths[:1]):
                raise
            warn_of([Excluded(file.name, problem.what)], file.parent)
    if not sounds:
        raise UsageError(
            "there is nothing to play",
            where=", ".join(map(str, paths)),
            remedy="Give WAV files, or a folder that contains some.",
        )
    speaker = Speaker(SpeakerEntry(device=device or "", silence_s=0.5))
    for file, samples, note in sounds:
        peak_dbfs = 20 * np.log10(max(1, int(np.abs(samples.astype(np.int32)).max())) / 32_768)
        start, end = active_part(samples)
        progress.log(
            f"{file}: {len(samples) / SAMPLE_RATE_HZ:.2f} s, speech {rms_dbfs(samples[start:end]):.1f} dBFS, "
            f"peak {peak_dbfs:.1f} dBFS, {clipped_samples(samples)} clipped{f' ({note})' if note else ''}"
        )
        speaker.play([samples])


def _usable_take(microphone: Microphone, title: str, seconds: float) -> NDArray[np.int16]:
    """Record until a take is usable, at most four times."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return trimmed(_take(microphone, title, seconds))
        except AcousticFailed as refusal:
            if microphone.has_stopped or attempt == _ATTEMPTS:
                raise
            progress.log(f"  refused: {refusal.what}. {refusal.remedy} Repeat.")
    raise AssertionError("the last refusal is raised")


def _take(microphone: Microphone, title: str, seconds: float) -> NDArray[np.int16]:
    """Count down, and record."""
    for left in range(_COUNTDOWN_S, 0, -1):
        progress.log(f"{title}: in {left} …")
        time.sleep(1)
    progress.log(f"{title}: {'record' if title.startswith(BACKGROUND_FOLDER) else 'speak'} now")
    take = microphone.record(seconds, _meter)
    _meter(None)
    return take


def _meter(block: NDArray[np.int16] | None) -> None:
    """Draw a level bar in place, in a terminal only; None ends it."""
    if not sys.stderr.isatty():
        return
    if block is None:
        sys.stderr.write("\n")
        return
    level_dbfs = rms_dbfs(block)
    length = round(max(0.0, level_dbfs + _METER_DB) / 2)
    mark = "!" if clipped_samples(block) else " "
    sys.stderr.write(f"\r  {level_dbfs:6.1f} dBFS {'█' * length:<{_METER_DB // 2}}{mark}")
    sys.stderr.flush()


def _free_path(folder: Path, stem: str) -> Path:
    """Return the first free name of <stem>_1.wav, <stem>_2.wav, …"""
    number = 1
    while (path := folder / f"{stem}_{number}.wav").exists():
        number += 1
    return path

"""Scan of a folder of recordings for a playback plan: usable recordings, and reasons for excluding others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound.levels import clipped_samples, rms_dbfs
from harness.sound.playback_plan import Excluded, Scan, reasons
from harness.sound.recordings import MANIFEST, entries_of, is_silence
from harness.sound.stimulus import active_part
from models.data.dataset import BACKGROUND_FOLDER, split_of
from models.data.wav import SAMPLE_RATE_HZ, read_wav
from models.errors import DatasetError
from models.store import sha256_of

SILENT_DBFS = -60.0
"""A recording whose active part has a lower RMS counts as silent: the level of the added background."""

SHORTEST_S = 0.2
"""Shortest recording of a word; the shortest of the default set, a "dog", is active for 0.30 s."""

LONGEST_CLICK_S = 0.1
"""An active part no longer than this is a click; a vowel alone takes longer."""

CLIPPED_FROM = 3
"""Samples at the limits of int16; one or two may be a normalized peak, or a click."""

_OTHER_SOUNDS = (".aac", ".aif", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wma")
_NUMBERED = re.compile(r"[\W_]*\d*$")


class UsableRecording(NamedTuple):
    """A recording that can be played.

    Attributes:
        word, source, sha256, speaker: as in PlannedWord.
        samples: its length at 16 kHz.
        onset: its first active sample.
        end: one past its last.
    """

    word: str
    source: str
    sha256: str
    speaker: str
    samples: int
    onset: int
    end: int


def scan_recordings(
    folder: Path, entries: Sequence[tuple[Path, str]] | None = None, at_most: int | None = None
) -> Scan[UsableRecording]:
    """Read the recordings of a folder and check each.

    Args:
        folder: with a manifest, a user's own (`yes/1.wav`, `yes_1.wav`), or in the layout of Speech Commands.
        entries: the items of `entries_of(folder)` to read, in any order; None: all.
        at_most: stop after this number of usable recordings.

    Raises:
        UsageError: no usable recording, or a manifest that cannot be read or does not match its files.
    """
    listed = (folder / MANIFEST).is_file()
    usable: list[UsableRecording] = []
    excluded: list[Excluded] = []
    if entries is None:
        entries = entries_of(folder)
        excluded += _ignored_files(folder, {path for path, _ in entries}, listed)
    notes: list[str] = []
    for path, word in entries:
        if at_most is not None and len(usable) >= at_most:
            break
        source = path.relative_to(folder).as_posix()
        named_by_file = not listed and path.parent == folder
        try:
            recording, remarks = _check(path, source, word.strip(), named_by_file)
        except _Unusable as problem:
            excluded.append(Excluded(source, str(problem)))
        else:
            usable.append(recording)
            notes += [f"{source}: {remark}" for remark in remarks]
    if not usable:
        raise UsageError(
            f"none of {len(excluded)} recordings can be used{reasons(excluded)}",
            where=str(folder),
            remedy="Put WAV files of spoken words there: yes_1.wav, or in a folder for each word: yes/1.wav.",
        )
    return Scan(tuple(usable), tuple(excluded), (*notes, *_training_note(usable)))


def speaker_of(source: str, word: str) -> str:
    """Return the speaker that a file's name tells, or "".

    `yes/0a7c2a8d_nohash_0.wav` is by "0a7c2a8d", `yes/anna_2.wav` and `yes_anna_2.wav` are by "anna";
    `yes/2.wav`, `yes_2.wav` and `yes/yes_2.wav` name no speaker.
    """
    stem = Path(source).stem
    if "_nohash_" in stem:
        return stem.split("_nohash_")[0]
    name = _NUMBERED.sub("", stem)
    head, separator, rest = name.partition("_")
    if head.casefold() == word.casefold():
        name = rest if separator else ""
    return name


def _ignored_files(folder: Path, taken: set[Path], listed: bool) -> list[Excluded]:
    """List the sound files in the folder that are no entries, with the reason."""
    found = []
    for path in sorted(folder.rglob("*")):
        kind = path.suffix.lower()
        if path in taken or kind not in (".wav", *_OTHER_SOUNDS) or path.name.startswith("."):
            continue
        if listed:
            reason = "not listed in the manifest"
        elif kind == ".wav":
            reason = "no word: it is not directly in the folder of a word"
        else:
            reason = f"not a WAV file: convert the {kind[1:]} file"
        found.append(Excluded(path.relative_to(folder).as_posix(), reason))
    return found


class _Unusable(Exception):
    """The reason for excluding a recording."""


def _check(path: Path, source: str, word: str, named_by_file: bool) -> tuple[UsableRecording, list[str]]:
    if not word and not named_by_file:
        raise _Unusable("no word in the manifest")
    if Path(source).parent.name == BACKGROUND_FOLDER:
        raise _Unusable("no word: it is background noise")
    if named_by_file and not re.search(r"[^\W\d_]", word):
        raise _Unusable(f"no word in its name; rename it, for example to yes_{Path(source).name}")
    try:
        samples, converted = read_wav(path)
        digest = sha256_of(path)
    except (DatasetError, OSError) as problem:
        raise _Unusable(problem.what if isinstance(problem, DatasetError) else str(problem)) from None
    onset, end = active_part(samples, word)
    remarks = [converted] if converted else []
    if clipped_samples(samples) >= CLIPPED_FROM:
        remarks.append(f"clipped in {clipped_samples(samples)} samples")
    if not is_silence(word):
        _require_speech(samples, onset, end)
        if (onset, end) == (0, len(samples)):
            remarks.append("the word does not stand out from the noise, so the whole recording counts")
    speaker = speaker_of(source, word)
    return UsableRecording(word, source, digest, speaker, len(samples), onset, end), remarks


def _require_speech(samples: NDArray[np.int16], onset: int, end: int) -> None:
    whole_s, active_s = len(samples) / SAMPLE_RATE_HZ, (end - onset) / SAMPLE_RATE_HZ
    level_dbfs = rms_dbfs(samples[onset:end])
    if level_dbfs < SILENT_DBFS:
        raise _Unusable(f"silent: {level_dbfs:.0f} dBFS")
    if whole_s < SHORTEST_S:
        raise _Unusable(f"too short: {whole_s:.2f} s")
    if active_s <= LONGEST_CLICK_S:
        raise _Unusable(f"silent except for {active_s:.2f} s: a click, or a cut-off word")


def _training_note(usable: Sequence[UsableRecording]) -> list[str]:
    """Return a note on recordings that Speech Commands' naming puts into its training or validation set."""
    named = [each.source for each in usable if "_nohash_" in each.source]
    trained = sum(split_of(source) != "testing" for source in named)
    if not trained:
        return []
    return [
        f"{trained} of {len(usable)} recordings are named like the training or validation set of Speech "
        "Commands: a model trained on that set has seen them"
    ]

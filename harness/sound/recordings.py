"""Recordings of keywords: a folder of WAV files, with or without a manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.files import write_atomic
from models.data.wav import read_wav
from models.store import sha256_of

MANIFEST = "manifest.csv"
MANIFEST_COLUMNS = ("path", "label", "word", "source", "license", "sha256")

OWN_LICENSE = "the speaker's own"
"""License entry of a user's recording, until whoever publishes the recording replaces it."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording with its label.

    Attributes:
        label: one of the model's labels, or "unknown".
        word: the spoken word; "silence" if there is none.
        source: the file, relative to its folder.
        samples: int16 (N,), 16 kHz mono.
    """

    label: str
    word: str
    source: str
    samples: NDArray[np.int16]


@dataclass(frozen=True)
class RecordingSet:
    """Recordings in a fixed order, and notes on the files that were converted."""

    recordings: tuple[Recording, ...]
    notes: tuple[str, ...]


def read_recordings(folder: Path, labels: Sequence[str]) -> RecordingSet:
    """Read the recordings of a folder, in the order of its manifest or else of the file names.

    Without a manifest the word of `<word>/<file>.wav` is the folder's name, that of `<word>_<more>.wav` the
    part before the first underscore.

    Args:
        folder: contains manifest.csv or WAV files.
        labels: of the model, in any case. Any other word is "unknown".

    Raises:
        UsageError: no recordings, a broken or missing file, or one that differs from the manifest.
    """
    recordings, notes = [], []
    for path, word in entries_of(folder):
        if not word:
            raise UsageError(
                "the manifest names no word for a recording",
                where=str(path),
                remedy="Write the spoken word into the manifest, or remove the row.",
            )
        samples, note = read_wav(path)
        source = str(path.relative_to(folder))
        recordings.append(Recording(label_of(word, labels), word, source, samples))
        if note:
            notes.append(f"{source}: {note}")
    return RecordingSet(tuple(recordings), tuple(notes))


def entries_of(folder: Path) -> list[tuple[Path, str]]:
    """List the files of a folder with their words, in the order of the manifest or else of the names.

    The word is "" where a manifest leaves it out.

    Raises:
        UsageError: no recordings, or a manifest that cannot be read or does not match the files.
    """
    if not folder.is_dir():
        raise UsageError("the folder of recordings does not exist", where=str(folder))
    if (folder / MANIFEST).is_file():
        return _entries_of_manifest(folder / MANIFEST)
    paths = sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file())
    entries = [
        (path, path.stem.split("_")[0] if path.parent == folder else path.parent.name)
        for path in paths
        if path.suffix.lower() == ".wav" and not path.name.startswith(".")
    ]
    if not entries:
        raise UsageError(
            "there are no recordings",
            where=str(folder),
            remedy="Put WAV files there: yes_1.wav, or in a folder for each word: yes/1.wav.",
        )
    return entries


def label_of(word: str, labels: Sequence[str]) -> str:
    """Return the model's label for a word, ignoring case: "yes" is "Yes" for a model that writes it so.

    "silence" stays "silence" for a model without such a label: no keyword may be detected in it.
    """
    known = {_plain(label): label for label in labels}
    return known.get(_plain(word)) or ("silence" if is_silence(word) else known.get("unknown", "unknown"))


def is_silence(word: str) -> bool:
    """Return whether a recording with this word has no speech."""
    return _plain(word) == "silence"


def _plain(word: str) -> str:
    return word.strip("_").casefold()


def _entries_of_manifest(manifest: Path) -> list[tuple[Path, str]]:
    rows = _manifest_rows(manifest)
    if not rows:
        raise UsageError("the manifest lists no recordings", where=str(manifest))
    return [(_checked(manifest, row), row["word"]) for row in rows]


def _manifest_rows(manifest: Path) -> list[dict[str, str]]:
    try:
        with manifest.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != MANIFEST_COLUMNS:
                raise UsageError(
                    "the manifest has other columns",
                    where=str(manifest),
                    remedy=f"Its first line must be {','.join(MANIFEST_COLUMNS)}.",
                )
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UsageError(f"the manifest cannot be read: {problem}", where=str(manifest)) from problem


def _checked(manifest: Path, row: dict[str, str]) -> Path:
    """Return the file of a row after checking its hash."""
    if not (row["path"] and row["word"] is not None and row["sha256"]):
        raise UsageError(
            f"the manifest has an incomplete row: {row}",
            where=str(manifest),
            remedy="Fill in path, word and sha256, or remove the row.",
        )
    path = manifest.parent / row["path"]
    try:
        digest = sha256_of(path)
    except OSError as problem:
        raise UsageError(
            f"a recording of the manifest cannot be read: {problem.strerror}",
            where=str(path),
            remedy="Restore it, or remove its row from the manifest.",
        ) from problem
    if digest != row["sha256"].lower():
        raise UsageError(
            "a recording differs from the manifest: another sha256",
            where=str(path),
            remedy="Restore it, or write its new sha256 into the manifest.",
        )
    return path


def add_to_manifest(folder: Path, recording: Path, word: str, source: str) -> bool:
    """Add a user's recording to its folder's manifest.

    A new manifest is only started by the folder's first recording: it would hide the unlisted ones.

    Args:
        word: the spoken word; also its label.
        source: who or what recorded it, and when.

    Returns:
        True if the folder has a manifest.

    Raises:
        UsageError: the manifest cannot be read or written, or has other columns.
    """
    path = folder / MANIFEST
    if not path.exists() and any(file != recording for file in folder.rglob("*.wav")):
        return False
    name = recording.relative_to(folder).as_posix()
    values = (name, word, word, source, OWN_LICENSE, sha256_of(recording))
    rows = [row for row in _manifest_rows(path) if row["path"] != name] if path.exists() else []
    text = io.StringIO()
    writer = csv.DictWriter(text, MANIFEST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows, dict(zip(MANIFEST_COLUMNS, values, strict=True))])
    try:
        write_atomic(text.getvalue(), path)
    except OSError as problem:
        raise UsageError(
            f"the manifest cannot be written: {problem}",
            where=str(path),
            remedy="Make the folder writable; the recording itself is kept.",
        ) from problem
    return True

"""Recordings of keywords: a folder with a manifest, or a user's own folder of WAV files."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from models.data.wav import read_wav

MANIFEST = "manifest.csv"
MANIFEST_COLUMNS = ("path", "label", "word", "source", "license", "sha256")


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording.

    Attributes:
        label: what a model should make of it: one of the model's labels, or "unknown".
        word: what is said; "silence" when nothing is.
        source: the file, relative to its folder.
        samples: int16 (N,), 16 kHz mono.
    """

    label: str
    word: str
    source: str
    samples: NDArray[np.int16]


@dataclass(frozen=True)
class RecordingSet:
    """Recordings in a fixed order, and `notes` on what was converted to read them."""

    recordings: tuple[Recording, ...]
    notes: tuple[str, ...]


def read_recordings(folder: Path, labels: Sequence[str]) -> RecordingSet:
    """Reads the recordings of a folder, in the order of its manifest or else of the file names.

    Without a manifest.csv the word of `<word>/<file>.wav` is its folder's name, that of `<word>_<more>.wav`
    what stands before the first underscore.

    Args:
        folder: where manifest.csv or WAV files are.
        labels: of the model, in whatever case. A word that is none of them is "unknown".

    Raises:
        UsageError: no recordings, a broken or missing file, or one that is not what the manifest says.
    """
    recordings, notes = [], []
    for path, word in entries_of(folder):
        if not word:
            raise UsageError(
                "the manifest does not say what is said in a recording",
                where=str(path),
                remedy="Write its word into the manifest, or take its row out.",
            )
        samples, note = read_wav(path)
        source = str(path.relative_to(folder))
        recordings.append(Recording(label_of(word, labels), word, source, samples))
        if note:
            notes.append(f"{source}: {note}")
    return RecordingSet(tuple(recordings), tuple(notes))


def entries_of(folder: Path) -> list[tuple[Path, str]]:
    """The files of a folder and what is said in each, in the order of its manifest or else of the names.

    The word is "" where a manifest leaves it out.

    Raises:
        UsageError: no recordings, or a manifest that cannot be read or does not fit the files.
    """
    if not folder.is_dir():
        raise UsageError("the folder of recordings is not there", where=str(folder))
    if (folder / MANIFEST).is_file():
        return _entries_of_manifest(folder / MANIFEST)
    return _entries_of_folder(folder)


def label_of(word: str, labels: Sequence[str]) -> str:
    """The model's label for a word, compared without case: "yes" is "Yes" of a model that writes it so.

    "silence" stays what it is for a model without such a label: nothing should be heard.
    """
    known = {label.strip("_").casefold(): label for label in labels}
    plain = word.strip("_").casefold()
    return known.get(plain) or ("silence" if is_silence(word) else known.get("unknown", "unknown"))


def is_silence(word: str) -> bool:
    """Whether a recording of this word is one in which nothing is said."""
    return word.strip("_").casefold() == "silence"


def _entries_of_manifest(manifest: Path) -> list[tuple[Path, str]]:
    """Path and word of each row, after a check of the file's hash."""
    try:
        with manifest.open(newline="", encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            missing = [name for name in MANIFEST_COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UsageError(
                    f"the manifest lacks the column {missing[0]}",
                    where=str(manifest),
                    remedy=f"Its first line is {','.join(MANIFEST_COLUMNS)}.",
                )
            entries = [(_checked(manifest, row), row["word"]) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UsageError(f"the manifest cannot be read: {problem}", where=str(manifest)) from problem
    if not entries:
        raise UsageError("the manifest lists no recordings", where=str(manifest))
    return entries


def _checked(manifest: Path, row: dict[str, str]) -> Path:
    """The file of a row, if it is there with the hash that the row says."""
    if not (row["path"] and row["word"] is not None and row["sha256"]):
        raise UsageError(f"the manifest has an incomplete row: {row}", where=str(manifest))
    path = manifest.parent / row["path"]
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as problem:
        raise UsageError(
            f"a recording of the manifest cannot be read: {problem.strerror}",
            where=str(path),
            remedy="Restore it, or take its row out of the manifest.",
        ) from problem
    if digest != row["sha256"].lower():
        raise UsageError(
            "a recording is not the one that the manifest lists: its sha256 differs",
            where=str(path),
            remedy="Restore it, or write its new sha256 into the manifest.",
        )
    return path


def _entries_of_folder(folder: Path) -> list[tuple[Path, str]]:
    """Path and word of each WAV file in the folder and in its folders."""
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

"""Folders of recordings of keywords: their files, the words of these, and the manifest."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.files import write_atomic
from harness.sound.sound_files import digest_of
from models.data.sound_folder import Excluded, list_sounds, parts_of, plain, reasons, shown
from models.decoding import read_file
from models.errors import wrong_download
from models.store import sha256_of

MANIFEST = "manifest.csv"
MANIFEST_COLUMNS = ("path", "label", "word", "source", "license", "sha256")
_NEEDED_COLUMNS = ("path", "word", "sha256")

OWN_LICENSE = "the speaker's own"
"""License entry of a user's recording, until whoever publishes the recording replaces it."""

_NUMBER = re.compile(r"^\d+|\d+$")
_SPEAKER = re.compile(r"[0-9a-f]{8}_nohash_")  # of Speech Commands, whose folders name the words
_COPY = ("copy", "kopie", "copie", "copia", "cópia", "kopia", "копия", "副本", "コピー")
_COPY_OF = [["copy", "of"], ["kopie", "von"], ["copie", "de"], ["copia", "de"]]
"""In the names of copied files, `yes - Copy (2).wav` and `Copy of yes.wav`."""


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


class Entry(NamedTuple):
    """A file, its spoken word, and a remark if the file's name leaves doubt about the word."""

    path: Path
    word: str
    remark: str = ""


def entries_of(folder: Path, labels: Sequence[str] = ()) -> tuple[list[Entry], list[Excluded]]:
    """List the recordings of a folder, in the order of its manifest or else of the names, and other files.

    Without a manifest the word of `<word>/<file>.wav` is the folder's name, that of `<word>_<more>.wav` the
    start of the file's name. Case, separators, numbers and the suffixes of copies do not matter.

    Args:
        labels: of the models; the longest that a name begins with is its word.

    Raises:
        UsageError: no recordings, the folder of one keyword, or a manifest that cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(
            "the folder of recordings does not exist", where=str(folder), remedy="Name an existing folder."
        )
    paths, excluded = list_sounds(folder)
    manifest = folder / MANIFEST
    entries = []
    if manifest.exists():
        for row in manifest_rows(manifest):
            try:
                entries.append(Entry(_checked(folder, row), row["word"]))
            except ValueError as problem:
                excluded.append(Excluded(row["path"] or MANIFEST, str(problem)))
        known = {entry.path for entry in entries} | {folder / each.source for each in excluded}
        unlisted = [path for path in paths if path not in known]
        excluded += [Excluded(shown(path, folder), "not listed in the manifest") for path in unlisted]
    else:
        for path in paths:
            reason = "no word: it is not directly in the folder of a word"
            if path.parent == folder:
                word, remark = _word_of_file(path.stem, labels)
                reason = f"no word in its name; rename it, for example to yes_{path.name}"
            elif path.parent.parent == folder:
                word, remark = _word_of_folder(path.parent.name, labels)
            else:
                word = ""
            if word:
                entries.append(Entry(path, word, remark))
            else:
                excluded.append(Excluded(shown(path, folder), reason))
        _refuse_folder_of_keyword(folder, paths, entries, labels)
    if not entries:
        above = f" If it is the folder of one word, give the folder above it: {folder.absolute().parent}."
        raise UsageError(
            f"there are no recordings{reasons(excluded)}",
            where=str(manifest if manifest.exists() else folder),
            remedy="Put WAV files there: yes_1.wav, or in a folder for each word: yes/1.wav."
            + above * bool(paths),
        )
    return entries, excluded


def _refuse_folder_of_keyword(
    folder: Path, paths: Sequence[Path], entries: Sequence[Entry], labels: Sequence[str]
) -> None:
    """Refuse a folder whose name is a keyword, if its files lie directly in it and none names a label.

    Raises:
        UsageError: it is such a folder.
    """
    name = folder.absolute().name
    label = label_of(_word_of_folder(name, labels)[0], labels)
    if plain(label) in ("silence", "unknown") or any(entry.word in labels for entry in entries):
        return
    if paths and all(path.parent == folder for path in paths):
        raise UsageError(
            f'this is the folder of one word, "{name}"',
            where=str(folder),
            remedy=f"Give the folder above it: {folder.absolute().parent}.",
        )


def label_of(word: str, labels: Sequence[str]) -> str:
    """Return the model's label for a word, ignoring case, separators and punctuation.

    "silence" stays "silence" for a model without such a label: no keyword may be detected in it.
    """
    if word in labels:
        return word
    known = _known(labels)
    return known.get(plain(word)) or ("silence" if is_silence(word) else known.get("unknown", "unknown"))


def is_silence(word: str) -> bool:
    """Return whether a recording with this word has no speech."""
    return plain(word) == "silence"


def _known(labels: Sequence[str]) -> dict[str, str]:
    """Map plain words to labels; of several labels with one plain word, the plainly written one wins."""
    return {plain(label): label for label in sorted(labels, key=lambda label: label == plain(label))}


def speaker_of(source: str, word: str) -> str:
    """Return the speaker that a file's name contains, or "".

    `yes/0a7c2a8d_nohash_0.wav` is by "0a7c2a8d", `yes/anna_2.wav` and `yes_anna_2.wav` are by "anna";
    `yes/2.wav`, `yes_2.wav` and `yes/yes_2.wav` name no speaker.
    """
    stem = Path(source).stem
    if "_nohash_" in stem:
        return stem.split("_nohash_")[0]
    parts = _parts_of_copied(stem)
    for stop in range(1, len(parts) + 1):
        if _NUMBER.sub("", "".join(parts[:stop])) == plain(word):
            parts = parts[stop:]
            break
    while parts and not _without_numbers(parts[-1:]):
        parts.pop()
    return "-".join(parts).rstrip("0123456789")


def _parts_of_copied(stem: str) -> list[str]:
    parts = parts_of(stem)
    return parts[2:] if parts[:2] in _COPY_OF else parts


def _without_numbers(parts: Sequence[str]) -> list[str]:
    """Remove numbers and the words that mark copied files from the parts of a name."""
    stripped = (_NUMBER.sub("", part) for part in parts)
    return [part for part in stripped if part and part not in _COPY]


def _word_of_file(stem: str, labels: Sequence[str]) -> tuple[str, str]:
    """Return the word of a file that lies directly in the folder of recordings, and a remark."""
    parts = _parts_of_copied(stem)
    known = _known(labels)
    for first in range(len(parts)):
        for stop in range(len(parts), first, -1):
            joined = "".join(parts[first:stop])
            for name in (joined, _NUMBER.sub("", joined)):
                if name in known:
                    others = _without_numbers(parts[stop:])
                    return known[name], "its word is the start of its name" if others else ""
        if not parts[first].isdigit():
            break
    words = _without_numbers([] if _SPEAKER.match(stem) else parts)
    return (words[0], _begins_like(stem, labels)) if words else ("", "")


def _word_of_folder(name: str, labels: Sequence[str]) -> tuple[str, str]:
    known = _known(labels)
    core = "".join(_without_numbers(parts_of(name)))
    if plain(name) not in known and core in known:
        return known[core], ""
    return name, "" if plain(name) in known else _begins_like(name, labels)


def _begins_like(name: str, labels: Sequence[str]) -> str:
    """Return a remark on a name that contains a keyword although its word is another one, or ""."""
    parts = parts_of(name)
    words = {label: plain(label) for label in labels if plain(label) not in ("silence", "unknown")}
    held = [label for label, word in words.items() if plain(name).startswith(word) or word in parts]
    return f'its name has "{held[0]}" in it' if held else ""


def manifest_rows(manifest: Path) -> list[dict[str, str]]:
    """Read the rows of a manifest, as UTF-8 or as a spreadsheet writes it.

    Raises:
        UsageError: it cannot be read, or lacks a column.
    """
    try:
        data = read_file(manifest)
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = io.StringIO(data.decode(encoding), newline=None)
        separator = max(",;\t", key=text.readline().count)
        text.seek(0)
        rows = [[cell.strip() for cell in row] for row in csv.reader(text, delimiter=separator)]
    except UnicodeError as problem:
        raise UsageError(
            f"the manifest is not UTF-8: {problem}", where=str(manifest), remedy="Save it as CSV in UTF-8."
        ) from None
    except (OSError, csv.Error) as problem:
        raise UsageError(
            f"the manifest cannot be read: {problem}",
            where=str(manifest),
            remedy="Make it readable, or replace it by an intact CSV file.",
        ) from problem
    columns = [cell.lower() for cell in rows[0]] if rows else []
    if any(columns.count(name) != 1 for name in _NEEDED_COLUMNS):
        raise wrong_download(manifest, UsageError) or UsageError(
            f"the manifest needs each of the columns {', '.join(_NEEDED_COLUMNS)} exactly once",
            where=str(manifest),
            remedy=f"Write this as its first line: {','.join(MANIFEST_COLUMNS)}",
        )
    filled = (row + [""] * len(columns) for row in rows[1:] if any(row))
    return [{name: cell for name, cell in zip(columns, row, strict=False) if name} for row in filled]


def _checked(folder: Path, row: dict[str, str]) -> Path:
    """Return the file of a row after checking its hash.

    Raises:
        ValueError: the reason for excluding it.
    """
    name = PurePosixPath(row["path"].replace("\\", "/"))
    if not (name.name and row["sha256"]):
        raise ValueError(f"the manifest has an incomplete row: {', '.join(filter(None, row.values()))}")
    if not row["word"]:
        raise ValueError("no word in the manifest")
    if name.is_absolute():
        raise ValueError("its path in the manifest is not relative to the folder")
    try:
        digest = digest_of(folder / name)
    except OSError as problem:
        raise ValueError(f"it cannot be read: {problem.strerror}") from None
    if digest != row["sha256"].lower():
        wrong = wrong_download(folder / name, UsageError)
        raise ValueError(wrong.what if wrong else "its sha256 differs from the one in the manifest")
    return folder / name


def add_to_manifest(folder: Path, recording: Path, word: str, source: str) -> bool:
    """Add a user's recording to its folder's manifest.

    A new manifest is started only with the folder's first recording, because recordings that a manifest does
    not list are excluded.

    Args:
        word: the spoken word; also its label.
        source: who or what recorded it, and when.

    Returns:
        True if the recording was listed; False if the folder has no manifest and gets none.

    Raises:
        UsageError: the manifest cannot be read or written, or lacks a column.
    """
    path = folder / MANIFEST
    if not path.exists() and list_sounds(folder)[0] != [recording]:
        return False
    name = recording.relative_to(folder).as_posix()
    values = (name, word, word, source, OWN_LICENSE, sha256_of(recording))
    rows = [row for row in manifest_rows(path) if row["path"] != name] if path.exists() else []
    text = io.StringIO()
    columns = rows[0] if rows else MANIFEST_COLUMNS
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
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

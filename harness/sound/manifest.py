"""The list of a folder's recordings, manifest.csv: a row added to it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from harness.errors import UsageError
from harness.files import write_atomic
from harness.sound.recordings import MANIFEST, MANIFEST_COLUMNS
from models.store import sha256_of

OWN_LICENSE = "the speaker's own"
"""Of a recording that a user made; to be replaced by whoever publishes it."""


def add(folder: Path, recording: Path, word: str, source: str, license: str = OWN_LICENSE) -> bool:
    """Adds a recording to its folder's manifest, which is replaced as a whole or not at all.

    A new manifest is only begun by the folder's first recording: it would hide those that it does not list.

    Args:
        folder: of recordings.
        recording: a WAV file in it.
        word: what is said in it; also its label.
        source: who or what recorded it, and when.
        license: for whom the recording is.

    Returns:
        Whether the folder has a manifest.

    Raises:
        UsageError: the manifest cannot be read or written, or has other columns.
    """
    path = folder / MANIFEST
    if not path.exists() and any(file != recording for file in folder.rglob("*.wav")):
        return False
    name = recording.relative_to(folder).as_posix()
    row = dict(zip(MANIFEST_COLUMNS, (name, word, word, source, license, sha256_of(recording)), strict=True))
    try:
        rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                reader = csv.DictReader(stream)
                if tuple(reader.fieldnames or ()) != MANIFEST_COLUMNS:
                    raise UsageError(
                        "the manifest has other columns",
                        where=str(path),
                        remedy=f"Its first line is {','.join(MANIFEST_COLUMNS)}.",
                    )
                rows = [one for one in reader if one["path"] != name]
        text = io.StringIO()
        writer = csv.DictWriter(text, MANIFEST_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, row])
        write_atomic(text.getvalue(), path)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UsageError(
            f"the manifest cannot be written: {problem}",
            where=str(path),
            remedy="Make the folder writable and the file whole; the recording itself is kept.",
        ) from problem
    return True

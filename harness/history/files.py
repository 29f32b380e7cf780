"""The files of records beneath folders: every run.json, at any depth."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.history.history import Refused

RECORD = "run.json"


@dataclass(frozen=True)
class Found:
    """A file, and what tells whether it is still the one that was read.

    Attributes:
        path: absolute.
        size: in bytes.
        mtime_ns: when it was changed.
    """

    path: Path
    size: int
    mtime_ns: int


def find_records(folders: Sequence[Path]) -> tuple[list[Found], list[Refused]]:
    """The records of folders, each path once.

    Nothing is looked for beneath a folder with a record: logs and what was measured lie there.

    Args:
        folders: or single files, whatever their names.

    Returns:
        The files in the order of the folders, sorted within each; and folders that have none, or may not be
        read.
    """
    found: dict[Path, Found] = {}
    refused: list[Refused] = []
    for folder in folders:
        own = sorted(_beneath(folder.absolute(), refused), key=lambda each: each.path)
        found |= {each.path: each for each in own if each.path not in found}
        if not own and folder.exists():
            refused.append(Refused(folder, f"there is no {RECORD} in {folder}, so it adds no night."))
    return list(found.values()), refused


def _beneath(path: Path, refused: list[Refused]) -> Iterator[Found]:
    if path.is_file():
        yield _found(path)
        return
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = {entry.name: entry for entry in entries}
        except OSError as reason:
            sentence = f"{folder} cannot be read ({reason.strerror}): name a folder of nights."
            refused.append(Refused(folder, sentence))
            continue
        if RECORD in listed:
            yield _found(folder / RECORD)
        else:
            waiting += [Path(entry) for entry in listed.values() if entry.is_dir(follow_symlinks=False)]


def _found(path: Path) -> Found:
    """Of a link that leads nowhere as well: reading it tells what is wrong."""
    try:
        state = path.stat()
    except OSError:
        return Found(path, -1, -1)
    return Found(path, state.st_size, state.st_mtime_ns)

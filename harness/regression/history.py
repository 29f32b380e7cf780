"""Read every nightly record beneath some folders, each once, as one history.

    history = read_history([Path("reports/nights"), Path("/mnt/other-bench")])
    history.nights      # sorted by time
    history.records     # path of each record by the id of its night
    history.left_out    # unreadable and contradicting records, each with a sentence

Merge the nights of several benches by naming their folders, or by copying them into one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness.layout import RECORD, store_root
from harness.records import reading, record, verdict
from harness.records.reading import read_record
from harness.records.record import CalibrationRow
from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression import canary, from_record, nights, series
from harness.regression.canary import CanaryReading
from harness.regression.from_record import IN_HISTORY, kind_of, night_of
from harness.regression.nights import Night, clock_problem, merge
from harness.regression.series import Measured
from models import progress
from models.errors import UserFacingError
from models.store import Store

_SUMMARY = "summary.json"


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that was left out of a history."""

    path: Path
    sentence: str  # the reason and the remedy


@dataclass(frozen=True)
class History:
    """Nights of any number of boards."""

    nights: tuple[Night, ...] = ()  # each once, sorted by time
    records: Mapping[str, Path] = field(default_factory=dict)
    """Path of each night's record by the night's id; the first path where there are copies."""
    left_out: tuple[LeftOut, ...] = ()  # files and folders that were not read


def read_history(folders: Sequence[Path], *, boards: Collection[str] = ()) -> History:
    """Read the nightly records of folders; skip records of `earshot run`.

    The summary of a record is cached by the content of its file, so a record is parsed once.

    Args:
        folders: hold records at any depth; single record files are read too.
        boards: names or uids of the boards whose nights are read; empty for all.
    """
    store = Store(store_root())
    left_out: list[LeftOut] = []
    found: dict[str, list[tuple[Night, Path]]] = {}
    paths = list(_record_paths(folders, left_out))
    with progress.task("read the records", len(paths), "records") as advance:
        for path in paths:
            advance()
            try:
                night = _summary(path, store)
            except (UserFacingError, OSError, OverflowError, ValueError) as problem:
                left_out.append(LeftOut(path, str(problem)))
                continue
            if night and (not boards or night.board in boards or night.uid in boards):
                found.setdefault(night.id, []).append((night, path))
    for id, copies in found.items():
        paths = [path for _, path in copies]
        if len({night.digest for night, _ in copies}) > 1:
            files = ", ".join(map(str, paths))
            sentence = (
                f"{len(paths)} records have the id {id} and different content, so none of them counts: "
                f"keep the one that the bench wrote and remove the others ({files})."
            )
            left_out.append(LeftOut(paths[0], sentence))
        elif jump := clock_problem(copies[0][0]):
            left_out.append(LeftOut(paths[0], f"{paths[0]} is left out because {jump}."))
    merged = merge(night for copies in found.values() for night, _ in copies)
    records = {night.id: found[night.id][0][1] for night in merged}
    return History(merged, records, tuple(left_out))


def _record_paths(folders: Sequence[Path], left_out: list[LeftOut]) -> Iterator[Path]:
    """Yield the absolute path of each record once; sorted within each folder."""
    seen: set[Path] = set()
    for folder in folders:
        own = [folder.absolute()] if folder.is_file() else sorted(_beneath(folder.absolute(), left_out))
        if not own and folder.exists():
            left_out.append(LeftOut(folder, f"there is no {RECORD} in {folder}: name a folder with records."))
        yield from (path for path in own if path not in seen)
        seen.update(own)


def _beneath(folder: Path, left_out: list[LeftOut]) -> Iterator[Path]:
    """Yield the records beneath a folder; do not search run folders, which hold transcripts and images."""
    try:
        with os.scandir(folder) as entries:
            listed = {entry.name: entry for entry in entries}
    except OSError as problem:
        sentence = f"{folder} cannot be read ({problem.strerror}): name a folder with records."
        left_out.append(LeftOut(folder, sentence))
        return
    if RECORD in listed:
        yield folder / RECORD
        return
    for entry in listed.values():
        if entry.is_dir(follow_symlinks=False):
            yield from _beneath(Path(entry), left_out)


def _summary(path: Path, store: Store) -> Night | None:
    """Return the night of a record without its samples, or None for a record of another kind."""

    def make(folder: Path) -> None:
        made = read_record(path)
        night = night_of(made) if kind_of(made) in IN_HISTORY else None
        (folder / _SUMMARY).write_bytes(_dump(night))

    folder = store.build(
        "summary",
        {"record": path},
        make,
        code=(from_record, canary, nights, series, record, reading, verdict),
        shared=False,
    )
    return _load((folder / _SUMMARY).read_bytes())


def _dump(night: Night | None) -> bytes:
    """Encode a night as JSON; None as null."""
    data = night and vars(night) | {"faults": [*night.faults.items()]}
    return msgspec.json.encode(data, enc_hook=str)  # names of series, which are keys, as text


def _load(content: bytes) -> Night | None:
    """Decode what `_dump` encoded; None is a record that belongs to no history."""
    data: dict[str, Any] | None = msgspec.json.decode(content)
    if data is None:
        return None
    values: dict[str, type] = {"times": Measured, "confirmations": Measured, "judged": SeriesVerdict}
    for name, kind in values.items():
        data[name] = {
            SeriesName.parse(key): msgspec.convert(value, kind) for key, value in data[name].items()
        }
    exact: dict[str, Figure] = data["exact"]
    data["exact"] = {SeriesName.parse(key): value for key, value in exact.items()}
    data["calibrations"] = msgspec.convert(data["calibrations"], tuple[CalibrationRow, ...])
    data["faults"] = {(variant, engine): why for (variant, engine), why in data["faults"]}
    data["canary"] = data["canary"] and msgspec.convert(data["canary"], CanaryReading)
    return Night(**data)

"""Folder of one run: lock, record in the making, and resuming after an interruption."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.files import point_link
from harness.layout import FIELD_RECORD, PARTIAL, RECORD
from harness.records import provenance
from harness.records.field_record import FieldRecord, read_field, write_field
from harness.records.reading import read_record
from harness.records.record import BoardRow, Code, MeasuredVariant, RunRecord, write_record
from models import progress

R = TypeVar("R", RunRecord, FieldRecord)

_LOCK = ".running"

_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
"""The name of a run's folder, see `begin`."""


@dataclass(frozen=True)
class RecordFile(Generic[R]):
    """A type of record, as a run's folder keeps it."""

    type: type[R]
    name: str  # of the file, once the run has ended
    partial: str  # of the file until then
    read: Callable[[Path], R]
    write: Callable[[R, Path], None]
    command: str  # that begins such a run
    resumes_faults: bool = False  # true if a run that ended with faults may be resumed

    def find(self, folder: Path) -> Path:
        """Return the record's path in a run's folder, the final one if it exists."""
        return folder / (self.name if (folder / self.name).exists() else self.partial)

    def locate(self, path: Path) -> Path:
        """Return the record that a path names: the record itself, its run's folder, or a folder of runs.

        Raises:
            UsageError: it is a folder without a run.
        """
        if not path.is_dir():
            return path
        record = self.find(path)
        return record if record.exists() else self.latest(path)

    def latest(self, output: Path, interrupted: bool = False) -> Path:
        """Return the record of the run that started last below `output`.

        Args:
            output: the folder of all runs, or a board's folder in it.
            interrupted: consider only runs without an end.

        Raises:
            UsageError: there is none.
        """
        names = [self.partial] if interrupted else [self.name, self.partial]
        folders = [path for depth in ("*/*", "*") for path in output.glob(depth) if not path.is_symlink()]
        found = [path for folder in folders for name in names if (path := folder / name).exists()]
        if not found:
            raise UsageError(
                f"there is no {'interrupted ' if interrupted else ''}run",
                where=str(output),
                remedy=f"Begin one with `{self.command}`.",
            )
        return max(found, key=lambda path: path.parent.name)


RUN = RecordFile(RunRecord, RECORD, PARTIAL, read_record, write_record, "earshot run")
FIELD = RecordFile(
    FieldRecord, FIELD_RECORD, "field.partial.json", read_field, write_field, "earshot field", True
)
_RECORDS = {name for files in (RUN, FIELD) for name in (files.name, files.partial)}


class RunFolder(Generic[R]):
    """Folder of a run and its record in the making; `begin` and `resume` create one.

    Nothing is on the disk before the first `write`. From then on the run belongs to this process. `complete`
    are the ids of the variants measured without a fault before this process resumed the run.
    """

    def __init__(self, path: Path, files: RecordFile[R], record: R) -> None:
        self.path = path
        self.record: R = record
        self.complete = frozenset(row.id for row in record.variants if not row.faults)
        self._files: RecordFile[R] = files
        self._lock = FileLock(path / _LOCK)
        self._began_s = time.monotonic()
        self._before_s = _seconds_since(record.run["started"]) if self._resumed else 0.0

    @property
    def _resumed(self) -> bool:
        return bool(self.record.run.get("resumed"))

    @property
    def is_partial(self) -> bool:
        """Return whether the run can be resumed."""
        return (self.path / self._files.partial).exists()

    @property
    def elapsed_s(self) -> float:
        """Return the time since the run began: monotonic, but by the wall clock before a resume."""
        return self._before_s + time.monotonic() - self._began_s

    def row(self, identity: str) -> Any:
        return next(row for row in self.record.variants if row.id == identity)

    def put(self, *rows: MeasuredVariant) -> None:
        """Put rows in place of those with the same ids, or after all others; nothing is written."""
        variants = {row.id: row for row in [*self.record.variants, *rows]}
        self.record = replace(self.record, variants=list(variants.values()))

    def set_board(self, board: BoardRow) -> None:
        """Record the board's identity; a board on USB is known by its kind's name until it is found.

        Raises:
            UsageError: the run so far comes from another board.
        """
        known = {self.record.board.uid, board.uid} - {board.name}
        if len(known) > 1:
            raise UsageError(
                "this run was begun on another board",
                where=f"then {self.record.board.uid}, now {board.uid}",
                remedy="Attach that board again, or begin a new run.",
            )
        if board.uid != board.name:
            self.record = replace(self.record, board=board)

    def lock(self) -> None:
        """Claim the run for this process; repeated calls do nothing.

        Raises:
            UsageError: another process has it.
        """
        if self._lock.is_locked:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                "another process is using this run", where=str(self.path), remedy="Wait until it has ended."
            ) from None
        _sweep(self.path)

    def write(self, **changes: Any) -> R:
        """Change fields of the record and write it: under its final name once the run has ended.

        Raises:
            UsageError: another process has the run.
        """
        self.lock()
        self.record = replace(self.record, **changes)
        ended = bool(self.record.run["ended"])
        self._files.write(self.record, self.path / (self._files.name if ended else self._files.partial))
        if ended:
            (self.path / self._files.partial).unlink(missing_ok=True)
        return self.record

    def ended(self) -> R:
        """Return the record of a run that ends now; write nothing."""
        length = "" if self._resumed else f"{self.elapsed_s:.3f}"
        return replace(self.record, run={**self.record.run, "ended": utc_now(), "length_s": length})

    @contextmanager
    def ending(self) -> Iterator[R]:
        """End the run: the record gets its final name when its pages are there; until then resume it."""
        self.record = self.ended()
        yield self.record
        self.write()

    def point_latest(self) -> None:
        """Point the link `latest` in the folder of all runs here, unless `latest` is the user's own."""
        path = self.path.resolve()
        link = path.parents[1] / "latest"
        try:
            target = link.readlink() if link.is_symlink() else None
            free = target is None and not link.exists()
            own = free or (target is not None and len(target.parts) == 2 and _is_run(target))
            if own and _is_run(path):
                point_link(link, path)
            else:
                progress.detail(f"{link} is no link of Earshot and stays as it is")
        except OSError as problem:  # of a file system without links
            progress.detail(f"there is no link to this run: {problem}")

    def release(self) -> None:
        """Let another process resume the run; repeated calls do nothing."""
        if self._lock.is_locked:
            (self.path / _LOCK).unlink(missing_ok=True)  # while locked: no other process can have it
            self._lock.release()


def begin(
    files: RecordFile[R],
    output: Path,
    board: BoardRow,
    about: Mapping[str, str],
    code: Code | None = None,
    **fields: Any,
) -> RunFolder[R]:
    """Create a new run below `output`; nothing is written yet.

    Args:
        about: more entries of the record's `run`, such as "kind" and "request".
        code: see `RunRecord.code`; None for this checkout.
        fields: more fields of the record.
    """
    started, identity = utc_now(), str(uuid.uuid4())
    run = {
        "id": identity,
        "started": started,
        "ended": "",
        "trigger": "ci" if os.environ.get("CI") else "manual",
        "command": os.fsencode(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]])).decode(errors="replace"),
        **about,
    }
    record = files.type(
        run=run,
        code=code or provenance.code(),
        environment=provenance.environment(),
        board=board,
        variants=[],
        **fields,
    )
    stamp = started.replace(":", "").replace("-", "")
    return RunFolder(output / board.name / f"{stamp}-{identity[:8]}", files, record)


def resume(files: RecordFile[R], path: Path, board: BoardRow, code: Code | None = None) -> RunFolder[R]:
    """Claim an interrupted run: same folder, same id, and the rows that it has.

    Raises:
        UsageError: the run has ended, is in progress, or was begun with other code or on another board.
    """
    record = files.read(files.find(path))
    if record.run["ended"] and not (files.resumes_faults and any(row.faults for row in record.variants)):
        kind = record.run.get("kind", "")
        command = f"earshot {kind}" if kind else files.command
        raise UsageError("this run has ended", where=str(path), remedy=f"Begin a new one with `{command}`.")
    then, now = record.code.get("commit"), (code or provenance.code())["commit"]
    if then != now:
        raise UsageError(
            "the code has changed since this run was begun",
            where=f"then {then}, now {now}",
            remedy="Check that commit out, or begin a new run: a record belongs to one version.",
        )
    resumed = ", ".join(filter(None, [record.run.get("resumed", ""), utc_now()]))
    folder = RunFolder(path, files, replace(record, run={**record.run, "ended": "", "resumed": resumed}))
    folder.set_board(board)
    folder.write()
    (path / files.name).unlink(missing_ok=True)
    return folder


def _is_run(path: Path) -> bool:
    """Tell if a path has the name of a run's folder."""
    return _RUN.fullmatch(path.name) is not None


def _sweep(path: Path) -> None:
    """Remove what killed processes left in the folder of a locked run and beside it.

    These are files that were being written, locks, and runs without a record, which have measured nothing.
    """
    for scratch in path.rglob(".*-[0-9]*"):
        scratch.unlink(missing_ok=True)
    if not _is_run(path.resolve()):  # renamed or moved: what lies beside it may be anything
        return
    found: list[Path] = []
    with contextlib.suppress(OSError):  # another process removes folders meanwhile
        found.extend(path.resolve().parents[1].glob(f"*/*/{_LOCK}"))
    for running in found:
        if not _is_run(running.parent):
            continue
        with contextlib.suppress(Timeout, OSError), FileLock(running, timeout=0):
            running.unlink()
            if not any(entry.is_dir() or entry.name in _RECORDS for entry in running.parent.iterdir()):
                shutil.rmtree(running.parent)


def utc_now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds_since(started: str) -> float:
    then = datetime.fromisoformat(started)
    return (datetime.now(UTC) - then).total_seconds()

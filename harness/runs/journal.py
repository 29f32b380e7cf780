"""The record of a run in the making: written after every row, ended once, or taken up again after a kill."""

from __future__ import annotations

import os
import sys
import time
import types
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.records import provenance
from harness.records.reading import read_record
from harness.records.record import BlockRow, BoardRow, Fault, RunRecord, VariantRow, write_record
from harness.records.verdict import RunVerdict

RECORD, PARTIAL = "run.json", "run.partial.json"
_RUNNING = ".running"
OPTIONS = "options"
"""Key of a record's `run`: what the run was asked for, as its door wrote it."""
_RESUMED = "resumed"


class Journal:
    """A run's folder and what is known so far.

    Args:
        folder: of the run.
        record: its head; the rows that it has are there already.

    Attributes:
        folder: of the run.
        rows: by the models' ids, in the order of the run.
        kept: the ids of those that were measured without a fault before this process began.
        blocks: in the order of time.
        verdict: what was said of the night; None if nothing was.
        fault: of the whole night.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.blocks: Sequence[BlockRow] = record.blocks
        self.verdict: RunVerdict | None = None
        self.fault: Fault | None = None
        self.rows: dict[str, VariantRow] = {row.id: row for row in record.variants}
        self.kept = frozenset(row.id for row in record.variants if not row.faults)
        self._record = record
        self._lock = FileLock(folder / _RUNNING)
        self._monotonic_s = time.monotonic()
        self._before_s = _seconds_since(record.run["started"]) if record.run.get(_RESUMED) else 0.0

    @property
    def elapsed_s(self) -> float:
        """Since the run began, by the monotonic clock; what was before it was taken up, by the other one."""
        return self._before_s + time.monotonic() - self._monotonic_s

    @property
    def run(self) -> Mapping[str, str]:
        """What is known of the run, see `RunRecord.run`."""
        return self._record.run

    @property
    def code(self) -> Mapping[str, Any]:
        """What is measured, see `RunRecord.code`."""
        return self._record.code

    @property
    def board(self) -> BoardRow:
        """Who measures."""
        return self._record.board

    def measured_by(self, board: BoardRow) -> None:
        """Takes down who measures: a board on USB tells its identity late.

        Raises:
            UsageError: what was measured so far comes from another one.
        """
        known = {self.board.uid, board.uid} - {board.name}
        if len(known) > 1:
            raise UsageError(
                "this run was begun on another board",
                where=f"then {self.board.uid}, now {board.uid}",
                remedy="Attach that one again, or begin a new run.",
            )
        if board.uid != board.name:
            self._record = replace(self._record, board=board)

    def write(self) -> RunRecord:
        """Writes what is known so far, under the partial name; from then on the run is this process's.

        Raises:
            UsageError: another process is at this run.
        """
        if not self._lock.is_locked:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise UsageError(
                    "another process is at this run",
                    where=str(self.folder),
                    remedy="Wait until it has ended.",
                ) from None
        return self._write(PARTIAL)

    def ended(self) -> RunRecord:
        """The record as it is if the run ends now; nothing is written."""
        length = "" if self._record.run.get(_RESUMED) else f"{self.elapsed_s:.3f}"
        self._record = replace(self._record, run={**self._record.run, "ended": _now(), "length_s": length})
        return self._whole()

    def end(self) -> RunRecord:
        """Writes the record for good."""
        self.ended()
        record = self._write(RECORD)
        (self.folder / PARTIAL).unlink(missing_ok=True)
        return record

    def let_go(self) -> None:
        """Another process may take the run up; may be called twice."""
        if self._lock.is_locked:
            (self.folder / _RUNNING).unlink(missing_ok=True)  # before it is released: nobody can have it yet
            self._lock.release()

    def _write(self, name: str) -> RunRecord:
        record = self._whole()
        write_record(record, self.folder / name)
        return record

    def _whole(self) -> RunRecord:
        return replace(
            self._record,
            variants=list(self.rows.values()),
            blocks=list(self.blocks),
            verdict=self.verdict,
            fault=self.fault,
        )


def begin(
    output: Path,
    board: BoardRow,
    options: str = "",
    about: Mapping[str, str] = types.MappingProxyType({}),
    code: dict[str, Any] | None = None,
) -> Journal:
    """A new run; nothing is written yet.

    Args:
        output: the folder of all runs.
        board: who measures.
        options: kept in the record for whoever takes the run up again.
        about: what else the record's `run` says, such as its "kind", see `RunRecord.run`.
        code: what is measured, see `RunRecord.code`; None for this checkout.
    """
    started, identity = _now(), str(uuid.uuid4())
    record = RunRecord(
        run={
            "id": identity,
            "started": started,
            "ended": "",
            "trigger": "ci" if os.environ.get("CI") else "manual",
            "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "kind": "run",
            OPTIONS: options,
            **about,
        },
        code=code or provenance.code(),
        environment=provenance.environment(),
        board=board,
        variants=[],
    )
    stamp = started.replace(":", "").replace("-", "")
    return Journal(output / board.name / f"{stamp}-{identity[:8]}", record)


def take_up(folder: Path, board: BoardRow, code: dict[str, Any] | None = None) -> Journal:
    """A run that was interrupted: the same folder, the same id, the rows that it has.

    Args:
        folder: of the run.
        board: who measures.
        code: what is measured, see `RunRecord.code`; None for this checkout.

    Raises:
        UsageError: the run has ended, goes on, or was begun by other code or on another board.
    """
    record = read_interrupted(folder)
    then, now = record.code.get("commit"), (code or provenance.code())["commit"]
    if then != now:
        raise UsageError(
            "the code has changed since this run was begun",
            where=f"then {then}, now {now}",
            remedy="Check that commit out, or begin a new run: a record is of one version.",
        )
    resumed = ", ".join(filter(None, [record.run.get(_RESUMED, ""), _now()]))
    journal = Journal(folder, replace(record, run={**record.run, _RESUMED: resumed}))
    journal.measured_by(board)
    journal.write()
    return journal


def read_interrupted(folder: Path) -> RunRecord:
    """The record of a run that has not ended.

    Raises:
        UsageError: it has, or there is no run.
    """
    if (folder / RECORD).exists():
        raise UsageError(
            "this run has ended", where=str(folder), remedy="Begin a new one with `earshot run`."
        )
    return read_record(folder / PARTIAL)


def latest_record(nights: Path) -> Path:
    """The record of the run that started last.

    Raises:
        UsageError: there is none.
    """
    found = [*nights.glob(f"*/*/{RECORD}"), *nights.glob(f"*/*/{PARTIAL}")]
    if not found:
        raise UsageError(
            "there is no run to report", where=str(nights), remedy="Make one with `earshot run`."
        )
    return max(found, key=lambda path: path.parent.name)


def latest_interrupted(nights: Path) -> Path:
    """The folder of the run that started last among those that did not end.

    Raises:
        UsageError: there is none.
    """
    found = list(nights.glob(f"*/*/{PARTIAL}"))
    if not found:
        raise UsageError("no run was interrupted", where=str(nights), remedy="Begin one with `earshot run`.")
    return max(found, key=lambda path: path.parent.name).parent


def _now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds_since(started: str) -> float:
    then = datetime.fromisoformat(started.replace("Z", "+00:00"))
    return (datetime.now(timezone.utc) - then).total_seconds()

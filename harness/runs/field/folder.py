"""The folder of a field run: plan, logs, record; what of it is whole, and which process is at it."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.files import point_link
from harness.records import provenance
from harness.records.field_record import FieldRecord, FieldVariant, read_field, write_field
from harness.records.record import BoardRow
from harness.sound.playback_plan import PlaybackPlan, read_plan, write_plan
from models.store import sha256_of

RECORD, PARTIAL, PLAN = "field.json", "field.partial.json", "plan.json"
OPTIONS = "options"
"""Key of a record's `run`: what the run was asked for, as `harness.runs.field.asked` writes it."""
_RUNNING = ".running"


class FieldFolder:
    """One run's folder.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / _RUNNING)

    def transcript(self, variant: str, segment: int) -> Path:
        """What the board said of a segment."""
        return self.path / "transcripts" / variant / f"segment-{segment:04d}.log"

    def facts(self, variant: str, segment: int) -> Path:
        """What is known of a segment beside its log; where this is, the log is whole."""
        return self.transcript(variant, segment).with_suffix(".json")

    def host(self, variant: str, segment: int) -> Path:
        """What the host's model made of the same sound."""
        return self.path / "host" / variant / f"segment-{segment:04d}.npz"

    def clips(self, variant: str) -> Path:
        """What the board said of single clips; what follows from it lies beside it, with `.json`."""
        return self.path / "transcripts" / variant / "clips.log"

    @property
    def plan(self) -> PlaybackPlan:
        """What is played.

        Raises:
            UsageError: see `harness.sound.playback_plan.read_plan`.
        """
        return read_plan(self.path / PLAN)

    @property
    def record(self) -> FieldRecord:
        """What is known so far: of a run that has ended, else of one that has not.

        Raises:
            UsageError: there is no run in this folder.
        """
        ended = self.path / RECORD
        return read_field(ended if ended.exists() else self.path / PARTIAL)

    def take(self) -> None:
        """From now on the run is this process's.

        Raises:
            UsageError: another process is at it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                "another process is at this run", where=str(self.path), remedy="Wait until it has ended."
            ) from None

    def let_go(self) -> None:
        """Another process may take it; may be called twice."""
        if self._lock.is_locked:
            (self.path / _RUNNING).unlink(missing_ok=True)  # before it is released: nobody can have it yet
            self._lock.release()

    def write(self, record: FieldRecord) -> None:
        """Writes the record: under its final name once the run has ended."""
        ended = bool(record.run["ended"])
        write_field(record, self.path / (RECORD if ended else PARTIAL))
        if ended:
            (self.path / PARTIAL).unlink(missing_ok=True)


def begin(
    output: Path, board: BoardRow, plan: PlaybackPlan, threshold: int, window_s: float, options: str
) -> FieldFolder:
    """A new run's folder, with the plan and a record without variants.

    Args:
        output: the folder of all field runs.
        board: who measures.
        plan: what is played.
        threshold: of the recognizer.
        window_s: a detection counts for a word until so long after its end.
        options: kept in the record for whoever takes the run up again.
    """
    started, identity = now(), str(uuid.uuid4())
    stamp = started.replace(":", "").replace("-", "")
    folder = FieldFolder(output / board.name / f"{stamp}-{identity[:8]}")
    folder.take()
    write_plan(plan, folder.path / PLAN)
    folder.write(
        FieldRecord(
            run={
                "id": identity,
                "started": started,
                "ended": "",
                "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
                OPTIONS: options,
            },
            code=provenance.code(),
            environment=provenance.environment(),
            board=board,
            plan=_plan_facts(plan, folder.path / PLAN),
            conditions=[asdict(condition) for condition in plan.conditions],
            excluded=[asdict(excluded) for excluded in plan.excluded],
            notes=list(plan.notes),
            variants=[],
            threshold=threshold,
            window_s=window_s,
        )
    )
    return folder


def take_up(path: Path, board: BoardRow) -> FieldFolder:
    """The folder of a run that did not end, or ended with a fault, such as a board that was gone.

    Raises:
        UsageError: it has ended well, goes on, or was begun by other code or on another board.
    """
    folder = FieldFolder(path)
    record = folder.record
    if record.run["ended"] and not any(variant.faults for variant in record.variants):
        raise UsageError(
            "this run has ended",
            where=str(path),
            remedy="Read it again with --read, or begin a new one without --resume.",
        )
    then, commit = record.code.get("commit"), provenance.code()["commit"]
    if then != commit:
        raise UsageError(
            "the code has changed since this run was begun",
            where=f"then {then}, now {commit}",
            remedy="Check that commit out, or begin a new run: a record is of one version.",
        )
    check_same_board(record.board, board)
    folder.take()
    resumed = ", ".join(filter(None, [record.run.get("resumed", ""), now()]))
    folder.write(replace(record, run={**record.run, "ended": "", "resumed": resumed}))
    (path / RECORD).unlink(missing_ok=True)
    return folder


def check_same_board(then: BoardRow, now_there: BoardRow) -> None:
    """Whether a run goes on with the board it began with; one on USB has its kind's name until it tells more.

    Raises:
        UsageError: another board is there.
    """
    if len({then.uid, now_there.uid} - {then.name}) > 1:
        raise UsageError(
            "this run was begun on another board",
            where=f"then {then.uid}, now {now_there.uid}",
            remedy="Attach that one again, or begin a new run.",
        )


def latest(output: Path) -> Path:
    """The folder of the run that started last.

    Raises:
        UsageError: there is none.
    """
    found = [path.parent for name in (RECORD, PARTIAL) for path in output.glob(f"*/*/{name}")]
    if not found:
        raise UsageError("there is no field run", where=str(output), remedy="Make one with `earshot field`.")
    return max(found, key=lambda path: path.name)


def point_to(folder: Path) -> None:
    """`latest` beside the boards' folders leads to this run's."""
    point_link(folder.parents[1] / "latest", folder)


def with_variants(record: FieldRecord, variants: Sequence[FieldVariant]) -> FieldRecord:
    """The record with these in place of those of the same id, and behind the others."""
    rows = {variant.id: variant for variant in [*record.variants, *variants]}
    return replace(record, variants=list(rows.values()))


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plan_facts(plan: PlaybackPlan, path: Path) -> dict[str, Any]:
    words = [word for segment in plan.segments for word in segment.words]
    return {
        "file": PLAN,
        "sha256": sha256_of(path),
        "seed": plan.seed,
        "gap_s": plan.gap_s,
        "repeats": plan.repeats,
        "folder": str(plan.folder),
        "recordings": len({word.source for word in words}),
        "words": len(words),
        "segments": len(plan.segments),
        "audio_s": sum(segment.duration_s for segment in plan.segments),
    }

"""What the index keeps of a record, in plain values, so that other processes can read records for this one.

As a program: reads a path a line, each as JSON, and answers each with its extract.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from harness import layout
from harness.errors import UsageError
from harness.records.reading import read_record
from harness.records.record import RunRecord
from harness.regression.from_record import IN_HISTORY, kind_of, night_of
from harness.regression.nights import Exact, Judged, Night
from harness.regression.series import Measured, SeriesName

MANY = 200
"""Records that are worth starting other processes."""


@dataclass(frozen=True)
class Extract:
    """A record, or why it is left out.

    Attributes:
        digest: of its content.
        kind: of its run.
        problem: "" if there is none. Nothing else is there then, nor of a run, which no history has.
        night: columns of the index's table of nights, by name.
        times, confirmations: of timed series, each its name and the fields of `Measured`.
        exact: each with its value.
        judged: what was said with the reference's `since`, and of which series.
    """

    digest: str = ""
    kind: str = ""
    problem: str = ""
    night: dict[str, Any] = field(default_factory=dict)
    times: list[tuple[str, list[Any]]] = field(default_factory=list)
    confirmations: list[tuple[str, list[Any]]] = field(default_factory=list)
    exact: list[tuple[str, Exact]] = field(default_factory=list)
    judged: list[tuple[str, str, list[str]]] = field(default_factory=list)


def extract(path: Path) -> Extract:
    """Reads a record; whatever is wrong with it is a problem of the extract."""
    try:
        record = read_record(path)
        kind = kind_of(record)
        if kind not in IN_HISTORY:
            return Extract(record.seal, kind)
        return _extract(night_of(record), record)
    except UsageError as problem:
        return Extract(problem=str(problem))
    except OverflowError as problem:
        return Extract(problem=f"{path}: no bench measures such a figure ({problem}). Copy it again.")


def _extract(night: Night, record: RunRecord) -> Extract:
    verdict, canary = record.verdict, night.canary
    return Extract(
        night.digest,
        kind_of(record),
        night={
            "id": night.id,
            "board": night.board,
            "uid": night.uid,
            "started": night.started,
            "ended": night.ended,
            "commit_id": night.commit,
            "dirty": night.dirty,
            "procedure": night.procedure,
            "modeled": night.modeled,
            "length_s": night.length_s,
            "fault": night.fault,
            "status": verdict.status if verdict else "",
            "sentence": verdict.sentence if verdict else "",
            "exit_code": verdict.exit_code if verdict else None,
            "environment": json.dumps(night.environment),
            "faults": json.dumps([[*who, why] for who, why in night.faults.items()]),
            "canary": json.dumps(canary and [each and _values(each) for each in (canary.first, canary.last)]),
        },
        times=[(str(name), _values(each)) for name, each in night.times.items()],
        confirmations=[(str(name), _values(each)) for name, each in night.confirmations.items()],
        exact=[(str(name), value) for name, value in night.exact.items()],
        judged=_by_what_was_said(night),
    )


def _values(measured: Measured) -> list[Any]:
    """The fields, in their order."""
    return [
        measured.value_us,
        measured.mean_us,
        measured.p99_us,
        measured.max_us,
        measured.blocks,
        measured.identical,
        measured.image,
        measured.problem,
    ]


def _by_what_was_said(night: Night) -> list[tuple[str, str, list[str]]]:
    """Most series hear the same."""
    found: dict[Judged, list[SeriesName]] = {}
    for name, said in night.judged.items():
        found.setdefault(said, []).append(name)
    return [(said.status, said.since, [*map(str, names)]) for said, names in found.items()]


def extracts(paths: Sequence[Path]) -> Iterator[Extract]:
    """Of each record in the order of the paths; of many with the help of a process for each processor."""
    count = processors()
    if len(paths) < MANY or count < 2:
        yield from map(extract, paths)
        return
    with ExitStack() as stack:
        helpers = [stack.enter_context(_Helper(paths[first::count])) for first in range(count)]
        for index, path in enumerate(paths):
            yield helpers[index % count].answer() or extract(path)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


class _Helper:
    """A process that reads records.

    Args:
        paths: of them.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._stack = ExitStack()

    def __enter__(self) -> _Helper:
        asked: IO[str] = self._stack.enter_context(tempfile.TemporaryFile("w+"))
        asked.writelines(json.dumps(str(path)) + "\n" for path in self._paths)
        asked.seek(0)
        command = [sys.executable, "-m", __spec__.name]
        self._process = subprocess.Popen(
            command,
            cwd=layout.ROOT,
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(self, *problem: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._stack.close()

    def answer(self) -> Extract | None:
        """The next extract; None if the process is no more."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        return Extract(**json.loads(line)) if line.endswith("\n") else None


def _main() -> None:
    gc.disable()  # a record has no cycles, and is gone before the next
    for line in sys.stdin:
        print(json.dumps(vars(extract(Path(json.loads(line))))), flush=True)


if __name__ == "__main__":
    _main()

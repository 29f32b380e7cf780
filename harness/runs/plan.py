"""What a run was asked for, as plain values: enough to begin it, and, kept in its record, to take it up."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import layout
from harness.bench_file import Bench, BoardEntry, find_bench
from harness.boards.registry import board_of, engine_name, find_entry
from harness.firmware.engine import Engine, get_engine
from harness.runs.journal import OPTIONS, read_interrupted
from harness.runs.kept import as_text, from_text, path
from harness.runs.night import Night
from harness.runs.selection import Selection

BOARD = "board"
"""Key of a record's `run`: what the bench calls the board, which is the name of its baseline."""


@dataclass(frozen=True)
class Plan:
    """What a run was asked for.

    Attributes:
        selection: which models.
        board: an entry of the bench file, or a kind of board.
        engine: what runs the models; "" takes the entry's, or else the kind's default.
        bench: the bench file; None for the usual one, see `harness.bench_file.find_bench`.
        port: overrides where the board's serial port is.
        recordings: what is played; None takes the bench's, or else those of the checkout.
    """

    selection: Selection
    board: str
    engine: str = ""
    bench: Path | None = None
    port: str = ""
    recordings: Path | None = None

    def begin(
        self,
        output: Path,
        say: Callable[[str], None],
        kind: str = "run",
        also: Mapping[str, Any] = types.MappingProxyType({}),
    ) -> Night:
        """A new run.

        Args:
            output: where its folder is made.
            say: told one line about each step.
            kind: of the run, see `RunRecord.run`.
            also: what else it was asked for, to be kept with the plan, JSON.

        Raises:
            UsageError: there is no such board or engine.
            ConfigError: the bench file is not as it should be.
        """
        entry = self.entry()
        about = {"kind": kind, BOARD: entry.name, "engine": engine_name(entry, self.engine)}
        return self._night(output=output, say=say, about=about, options=self.as_text(also))

    def take_up(self, folder: Path, say: Callable[[str], None]) -> Night:
        """An interrupted run, to go on with.

        Raises:
            UsageError: see `harness.runs.journal.take_up`.
        """
        return self._night(interrupted=folder, say=say)

    def entry(self) -> BoardEntry:
        """Which board is meant.

        Raises:
            UsageError: there is no such board.
            ConfigError: the bench file is not as it should be.
        """
        return find_entry(self.board, find_bench(self.bench), self.port)

    def _night(self, **how: Any) -> Night:
        bench, entry = find_bench(self.bench), self.entry()
        return Night(
            self.selection,
            board_of(entry, bench),
            engine_of(entry, self.engine),
            bench,
            recordings=self.recordings or recordings_of(bench),
            **how,
        )

    def as_text(self, also: Mapping[str, Any] = types.MappingProxyType({})) -> str:
        """For the record: whoever takes the run up may stand in another folder."""
        return as_text(
            self.selection,
            **also,
            board=self.board,
            engine=self.engine,
            bench=find_bench(self.bench).path,
            port=self.port,
            recordings=self.recordings,
        )


def engine_of(entry: BoardEntry, name: str = "") -> Engine:
    """Return the engine of a board: as named, else as its entry says, else its kind's default.

    Raises:
        UsageError: there is no such engine.
    """
    return get_engine(engine_name(entry, name), entry.libraries)


def recordings_of(bench: Bench) -> Path:
    """What is played on a bench unless something else is said."""
    return bench.recordings or layout.RECORDINGS


def plan_of(folder: Path) -> Plan:
    """The plan of an interrupted run.

    Raises:
        UsageError: there is no run, it has ended, or it was not begun by `earshot run`.
    """

    def make(selection: Selection, kept: dict[str, Any]) -> Plan:
        return Plan(
            selection,
            board=kept["board"],
            engine=kept["engine"],
            bench=path(kept["bench"]),
            port=kept["port"],
            recordings=path(kept["recordings"]),
        )

    return from_text(read_interrupted(folder).run.get(OPTIONS, ""), make, folder, "earshot run")

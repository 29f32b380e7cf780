"""The registry of kinds of boards, and boards by name."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

import harness.boards
from harness.bench_file import Bench, BoardEntry, ClockName, Optimization
from harness.boards.board import Board
from harness.errors import UsageError
from models.decoding import TomlFile


def board_kinds() -> dict[str, type[Board]]:
    """Return the board classes by name: one for each module of harness/boards with a class of its name."""
    kinds: dict[str, type[Board]] = {}
    for found in pkgutil.iter_modules(harness.boards.__path__):
        module = importlib.import_module(f"{harness.boards.__name__}.{found.name}")
        for item in vars(module).values():
            own = isinstance(item, type) and item.__module__ == module.__name__
            if own and getattr(item, "name", None) == found.name:
                kinds[found.name] = item
    return kinds


def find_entry(
    name: str,
    bench: Bench,
    port: str = "",
    clock: ClockName = "",
    wait_s: float | None = None,
    optimization: Optimization = "",
) -> BoardEntry:
    """Return the entry of a name.

    Args:
        name: name of an entry of the bench file, or a kind of board. For a kind, the bench must have at most
            one such board; without one, the entry has the kind's defaults.
        port, clock, wait_s, optimization: override those of the entry.

    Raises:
        UsageError: the name is neither, several boards are of that kind, or an option does not suit it.
        ConfigError: the entry is of a kind that does not exist.
    """
    kinds = board_kinds()
    entry = next((entry for entry in bench.boards if entry.name == name), None)
    if entry is None:
        entry = _of_kind(name, bench, kinds)
    if entry.kind not in kinds:
        what, remedy = f"{entry.kind!r} is no kind of board", f"Allowed: {' or '.join(kinds)}."
        if bench.path is None:
            raise UsageError(what, where=entry.name, remedy=remedy)
        raise TomlFile(bench.path).refusal(what, ("board", entry.name, "kind"), remedy)
    if entry.host and bench.path and kinds[entry.kind].runs_firmware:
        remedy = "Give it the kind linux, or name its port and an upload_command instead."
        what = f"a board of the kind {entry.kind} is not reached by ssh"
        raise TomlFile(bench.path).refusal(what, ("board", entry.name, "host"), remedy)
    if not kinds[entry.kind].runs_firmware:
        for option, value in (("--port", port), ("--clock", clock), ("--optimization", optimization)):
            if value:
                what = f"the board {entry.name} runs ONNX models, not firmware, which {option} is about"
                raise UsageError(what, remedy=f"Leave {option} out, or name another board with --board.")
    if wait_s is None:
        wait_s = entry.wait_s
    return replace(
        entry,
        port=port or entry.port,
        clock=clock or entry.clock,
        wait_s=wait_s,
        optimization=optimization or entry.optimization,
    )


def board_of(entry: BoardEntry, bench: Bench) -> Board:
    """Return the board of an entry, not started yet."""
    return board_kinds()[entry.kind].from_bench(entry, bench)


def engine_name(entry: BoardEntry, name: str = "") -> str:
    """Return the name of the engine: the given one, else the entry's, else the kind's default."""
    return name or entry.engine or board_kinds()[entry.kind].default_engine


def check_runs_firmware(entry: BoardEntry) -> None:
    """Refuse a board that runs ONNX models only.

    Raises:
        UsageError: it is one.
    """
    if not board_kinds()[entry.kind].runs_firmware:
        raise UsageError(
            f"the board {entry.name} runs ONNX models, not firmware: no sketch listens to a microphone there",
            remedy="Measure it with `earshot run` or `nightly`, or name another board with --board.",
        )


def _of_kind(kind: str, bench: Bench, kinds: dict[str, type[Board]]) -> BoardEntry:
    entries = [entry for entry in bench.boards if entry.kind == kind]
    if len(entries) > 1:
        names = ", ".join(entry.name for entry in entries)
        raise UsageError(
            f"the bench has {len(entries)} boards of the kind {kind!r}",
            where=str(bench.path),
            remedy=f"Choose one of: {names}.",
        )
    if not entries and kind not in kinds:
        names = ", ".join(dict.fromkeys([*(entry.name for entry in bench.boards), *kinds]))
        raise UsageError(f"there is no board {kind!r}", remedy=f"Choose one of: {names}.")
    return entries[0] if entries else BoardEntry(name=kind, kind=kind)

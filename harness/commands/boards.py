"""`earshot boards`: list kinds of boards, boards of the bench file and attached boards."""

from __future__ import annotations

import argparse
from itertools import chain, count
from typing import TYPE_CHECKING

from harness import options
from harness.errors import EXIT_CLEAN, EarshotError

if TYPE_CHECKING:
    from harness.arduino_cli.cli import ArduinoCli
    from harness.bench_file import Bench

SUMMARY = "List kinds of boards and attached boards; print bench file entries for new ones."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_bench(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.arduino_cli.cli import ArduinoCli
    from harness.bench_file import find_bench
    from harness.boards.registry import board_kinds

    for name, kind in board_kinds().items():
        print(f"{name:<12} {kind.summary}")
    bench = find_bench(arguments.bench)
    print(f"\nOn the bench ({bench.path or 'no bench file'}):")
    for entry in bench.boards:
        places = (entry.host, entry.serial_number, entry.usb_location, entry.labgrid, entry.port)
        details = (entry.kind, entry.revision, *places, entry.engine)
        print(f"{entry.name:<12} {', '.join(detail for detail in details if detail)}")
    if not bench.boards:
        print("no boards")
    print("\nAttached:")
    try:
        _print_attached(bench, ArduinoCli())
    except EarshotError as problem:
        print(f"unknown: {str(problem).removeprefix(f'{problem.failure}: ')}")
    return EXIT_CLEAN


def _print_attached(bench: Bench, cli: ArduinoCli) -> None:
    from harness.boards.attached import attached, ready_entry

    found = attached(bench, cli)
    for board in found:
        number = board.serial_number or f"no serial number, USB socket {board.location or 'unknown'}"
        print(f"{board.name or '(new)':<12} {board.kind}, {number}, {board.port}")
    if not found:
        print("no known board")
    taken = {entry.name for entry in bench.boards}
    names = (name for name in chain(["desk"], map("desk-{}".format, count(2))) if name not in taken)
    for board, name in zip((board for board in found if not board.name), names, strict=False):
        print(f"\nReady for the bench file:\n\n{ready_entry(board, name, _core(board.kind, cli))}")


def _core(kind: str, cli: ArduinoCli) -> str:
    """Return the installed core of a kind and its version, "id@version"; "" if there is none."""
    from harness.boards.registry import board_kinds

    core = ":".join(board_kinds()[kind].fqbn.split(":")[:2])
    try:
        return next((f"{found.id}@{found.version}" for found in cli.cores() if found.id == core), "")
    except EarshotError:
        return ""

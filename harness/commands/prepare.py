"""`earshot prepare`: bring ONNX Runtime to a small Linux computer."""

from __future__ import annotations

import argparse

from harness import options
from harness.errors import EXIT_CLEAN, UsageError

SUMMARY = "Bring ONNX Runtime to a small Linux board, which then needs no network of its own."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", help="board of the kind linux, see `earshot boards`")
    options.add_bench(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import find_bench
    from harness.boards.linux import Linux
    from harness.boards.registry import board_of, find_entry

    bench = find_bench(arguments.bench)
    board = board_of(find_entry(arguments.board, bench), bench)
    if not isinstance(board, Linux):
        raise UsageError(
            f"the board {arguments.board} runs firmware, which needs no preparation",
            remedy="Name a board of the kind linux: `earshot boards` lists them.",
        )
    board.computer.prepare(bring=True)
    print(f"{arguments.board}: {board.computer.description}")
    return EXIT_CLEAN

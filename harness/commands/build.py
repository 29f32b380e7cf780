"""`earshot build`: the images, and what they take of the board."""

from __future__ import annotations

import argparse

from harness import options
from harness.errors import EXIT_CLEAN

SUMMARY = "Compile the variants for a board; print what they take of it."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `build` takes."""
    options.add_models(parser)
    options.add_board(parser)
    options.add_engine(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.bench_file import find_bench
    from harness.boards.registry import board_of, find_entry
    from harness.runs.plan import engine_of

    bench = find_bench(arguments.bench)
    entry = find_entry(arguments.board or options.DEFAULT_BOARD, bench, arguments.port)
    engine = engine_of(entry, arguments.engine)
    with board_of(entry, bench) as board:
        limits = board.describe()
        for model in options.selection(arguments).models(options.say):
            firmware = board.build(model, engine)
            print(
                f"{model.id}: flash {firmware.flash_bytes:,} of {limits.flash_bytes:,} bytes, "
                f"RAM {firmware.ram_bytes:,} of {limits.ram_bytes:,} (arena {firmware.arena_bytes:,})\n"
                f"  {firmware.image}"
            )
    return EXIT_CLEAN

"""`earshot build`."""

from __future__ import annotations

import argparse

from harness import options
from harness.commands.run import request_of
from harness.errors import EXIT_CLEAN
from models import progress

SUMMARY = "Compile the variants for a board; print the flash and RAM they use."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_models(parser)
    options.add_board(parser)
    options.add_engine(parser)


def run(arguments: argparse.Namespace) -> int:
    setup = request_of(arguments).setup()
    with setup.board as board:
        limits = board.describe()
        for model in setup.selection.models():
            with progress.about(model.id):
                firmware = board.build(model, setup.engine)
            print(
                f"{model.id}: flash {firmware.flash_bytes:,} of {limits.flash_bytes:,} bytes, "
                f"RAM {firmware.ram_bytes:,} of {limits.ram_bytes:,} (arena {firmware.arena_bytes:,})\n"
                f"  {firmware.image}"
            )
    return EXIT_CLEAN

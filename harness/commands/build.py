"""`earshot build`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from harness import options
from harness.commands.run import request_of
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE
from models.errors import UserFacingError
from models.scratch import ScratchFolder

SUMMARY = "Compile the variants for a board; print the flash and RAM they use."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_request(parser)
    instruments = parser.add_mutually_exclusive_group()
    for option, instrument, meaning in (
        ("--profile", "operators", "that count the cycles of each operator, see `earshot profile --counter`"),
        ("--stage-pins", "stages", "that tell a power meter the stage by two pins, see `earshot energy`"),
    ):
        instruments.add_argument(
            option,
            dest="instrument",
            action="store_const",
            const=instrument,
            default="",
            help=f"build images {meaning}",
        )


def run(arguments: argparse.Namespace) -> int:
    setup = request_of(arguments).setup()
    failures: dict[str, UserFacingError] = {}
    with setup.board as board, ScratchFolder("arena") as folder:
        new_log = partial(Path, folder, "arena.log")
        limits = board.describe()
        runs_first_images = limits.clock != "measured"  # a real board is not touched by a build
        for model in setup.selection.models(failures):
            if runs_first_images:
                firmware = setup.build(model, new_log, arguments.instrument)
            else:
                recognizer = setup.bench.recognizer_of(model.id)
                firmware = board.build(model, setup.engine, recognizer, arguments.instrument)
            exact = setup.engine.is_measured or runs_first_images
            print(
                f"{model.id}: flash {firmware.flash_bytes:,} of {limits.flash_bytes:,} bytes, "
                f"RAM {'' if exact else 'at most '}{firmware.ram_bytes:,} of {limits.ram_bytes:,} "
                f"(arena {'' if exact else 'at most '}{firmware.arena_bytes:,})\n"
                f"  {firmware.image}"
            )
    return EXIT_INCONCLUSIVE if failures else EXIT_CLEAN

"""`earshot emulate`: plug in an emulated board that arduino-cli and the Arduino IDE find."""

from __future__ import annotations

import argparse
import re
from itertools import count

from harness import options
from harness.errors import EXIT_CLEAN, UsageError

SUMMARY = "Plug in an emulated board for arduino-cli and the Arduino IDE, until Ctrl-C."
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,32}")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--serial-number",
        default="",
        metavar="NUMBER",
        help="the board's USB serial number (default: EARSHOT1, or the next one that is free)",
    )
    parser.add_argument(
        "--microphone",
        default="",
        metavar="SOURCE",
        help="what the board hears: a source of `pactl list short sources` (default: a quiet room)",
    )
    options.add_clock(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.boards.plugged.control import boards_folder
    from harness.boards.plugged.process import PluggedBoard, is_plugged_in
    from harness.boards.qemu.clock import Clock, TimingParameters, choose_clock
    from harness.boards.qemu.tools import find_qemu
    from harness.layout import store_root
    from models.store import Store

    names = (f"EARSHOT{place}" for place in count(1))
    number = arguments.serial_number or next(
        name for name in names if not is_plugged_in(boards_folder() / name)
    )
    if not _NUMBER.fullmatch(number):
        raise UsageError(
            "a serial number has 1 to 32 letters, digits, dashes and underscores",
            where=f"--serial-number {number}",
        )
    if arguments.clock == "instructions":
        clock = Clock()
    else:
        clock = choose_clock(find_qemu(), Store(store_root()), TimingParameters())
    board = PluggedBoard(boards_folder() / number, clock, number, source=arguments.microphone)
    try:
        print(f"Board {number} is plugged in at {board.port}. Ctrl-C unplugs it.", flush=True)
        board.run()
    except KeyboardInterrupt:
        print("Unplugged.")
    finally:
        board.close()
    return EXIT_CLEAN

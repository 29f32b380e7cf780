"""`earshot play`: play recordings through the bench's speaker."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import options
from harness.errors import EXIT_CLEAN

SUMMARY = "Play recordings one after another, and print the level of each."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="WAV files, or folders of them")
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="a part of the speaker's name (default: the bench file's speaker, or the system's)",
    )
    options.add_bench(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import find_bench
    from harness.sound.recorder import play

    speaker = find_bench(arguments.bench).speaker
    play(arguments.files, arguments.device or (speaker.device if speaker else None))
    return EXIT_CLEAN

"""`earshot record`: record a keyword with the host's microphone."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout, options
from harness.errors import EXIT_CLEAN

SUMMARY = "Record a keyword with this computer's microphone, several times, for `earshot run` to play."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "word",
        metavar="WORD",
        help="the spoken word, such as yes; _background_noise_ records noise, which a dataset needs",
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="write <WORD>/*.wav here (default: the bench file's folder, or recordings/)",
    )
    parser.add_argument(
        "--speaker",
        default="",
        metavar="NAME",
        help="who speaks: with it the folder is a dataset for --dataset, <WORD>/<NAME>_nohash_<n>.wav",
    )
    parser.add_argument("--takes", type=int, default=5, metavar="N", help="number of takes (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=2.5, metavar="S", help="length of each take (default: 2.5)"
    )
    parser.add_argument(
        "--device", metavar="NAME", help="a part of the microphone's name (default: the system's microphone)"
    )
    options.add_bench(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.bench_file import find_bench
    from harness.sound.recorder import record

    folder = arguments.recordings or find_bench(arguments.bench).recordings or layout.RECORDINGS
    record(
        arguments.word,
        folder,
        arguments.device,
        arguments.takes,
        arguments.seconds,
        speaker=arguments.speaker,
    )
    return EXIT_CLEAN

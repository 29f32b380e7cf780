"""`earshot platform`: let arduino-cli and the Arduino IDE compile for and upload to the emulated board."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import EXIT_CLEAN, EarshotError, UsageError

SUMMARY = "Install the emulated board in arduino-cli and the Arduino IDE, or uninstall it."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "step",
        choices=["install", "uninstall"],
        help="link the platform into the sketchbook's folder hardware/, or remove the link",
    )
    parser.add_argument(
        "--sketchbook",
        type=Path,
        metavar="FOLDER",
        help="the sketchbook (default: arduino-cli's setting directories.user)",
    )


def run(arguments: argparse.Namespace) -> int:
    from harness.firmware.arduino_platform import CTAGS, FQBN, install, uninstall

    sketchbook = arguments.sketchbook or _arduino_clis()
    if arguments.step == "uninstall":
        print(f"Removed {uninstall(sketchbook)}.")
        return EXIT_CLEAN
    link, is_new = install(sketchbook)
    print(f"{'Installed' if is_new else 'Already installed'}: {FQBN} in {link}")
    if not CTAGS.exists():
        print("To compile, the Arduino tools also need ctags: apt-get install arduino-ctags")
    print("Plug a board in with `earshot emulate`; `arduino-cli board list` then lists it.")
    return EXIT_CLEAN


def _arduino_clis() -> Path:
    from harness.arduino_cli.cli import ArduinoCli

    try:
        return ArduinoCli().sketchbook()
    except EarshotError as problem:
        raise UsageError(
            "the sketchbook's folder is unknown",
            where=problem.what,
            remedy="Install arduino-cli, or name the folder with --sketchbook.",
        ) from problem

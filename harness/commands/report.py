"""`earshot report`: a night record rendered again."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout
from harness.errors import EXIT_CLEAN

SUMMARY = "Render a night record again as HTML, Markdown and CSV."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `report` takes."""
    parser.add_argument(
        "record",
        type=Path,
        nargs="?",
        metavar="RECORD",
        help="a night.json or the folder it is in (default: the latest run)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.journal import PARTIAL, RECORD, latest_record
    from harness.report.page import render
    from harness.results.reading import read_record

    path = arguments.record or latest_record(layout.NIGHTS)
    if path.is_dir():
        path = path / (PARTIAL if (path / PARTIAL).exists() else RECORD)
    print(render(read_record(path), path.parent))
    return EXIT_CLEAN

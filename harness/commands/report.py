"""`earshot report`: night records rendered again, several of them side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout
from harness.errors import EXIT_CLEAN

SUMMARY = "Render a night record again as HTML, Markdown and CSV; compare the variants of several."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `report` takes."""
    parser.add_argument(
        "record",
        type=Path,
        nargs="*",
        metavar="RECORD",
        help="a run.json or the folder it is in (default: the latest run); of several the family's page is "
        "written into the first one's folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.records.reading import read_record
    from harness.report.pages.family import render_family
    from harness.report.pages.run import render_run
    from harness.runs.journal import latest_record

    paths = [_file(path) for path in arguments.record or [latest_record(layout.NIGHTS)]]
    records = {path.parent: read_record(path) for path in paths}
    for folder, record in records.items():
        print(render_run(record, folder))
    if len(records) > 1:
        print(render_family(records, paths[0].parent))
    return EXIT_CLEAN


def _file(path: Path) -> Path:
    """The record of a run by its folder; a file is itself."""
    from harness.runs.journal import PARTIAL, RECORD

    return path / (PARTIAL if (path / PARTIAL).exists() else RECORD) if path.is_dir() else path

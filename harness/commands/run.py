"""`earshot run`: the whole way, from training to the report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE

if TYPE_CHECKING:
    from harness.runs.night import Night

SUMMARY = "Train, convert, build, measure and report: the whole way, reusing what is there."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `run` takes."""
    options.add_models(parser)
    options.add_board(parser)
    options.add_engine(parser)
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="what is played: a folder with a manifest.csv, or your own <word>/*.wav "
        "(default: the bench file's, or else recordings/)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=layout.NIGHTS,
        metavar="FOLDER",
        help="where the run's folder is made (default: reports/nights/)",
    )
    add_open(parser)


def add_open(parser: argparse.ArgumentParser) -> None:
    """Adds what is done with the report."""
    parser.add_argument("--open", action="store_true", help="open the report in a browser when it is written")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.runs.plan import Plan

    plan = Plan(
        options.selection(arguments),
        board=arguments.board or options.DEFAULT_BOARD,
        engine=arguments.engine,
        bench=arguments.bench,
        port=arguments.port,
        recordings=arguments.recordings,
    )
    return finish(plan.begin(arguments.output, options.say), arguments.open)


def finish(night: Night, open_page: bool) -> int:
    """Runs a night, prints its summary and tells its exit code.

    Args:
        night: begun, or taken up again.
        open_page: whether the report is shown in a browser.
    """
    from harness.report.pages.run import summary_text

    record, page = night.run()
    print(summary_text(record))
    print(f"\nReport: {page}")
    if open_page:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    if all(variant.faults for variant in record.variants):
        return EXIT_BROKEN
    return EXIT_INCONCLUSIVE if any(variant.faults for variant in record.variants) else EXIT_CLEAN

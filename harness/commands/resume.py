"""`earshot resume`: an interrupted run or night goes on."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout, options
from harness.commands.run import add_open, finish

SUMMARY = "Go on with a run or a night that was interrupted or killed: what it measured is kept."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `resume` takes: what the run is about stands in its record."""
    parser.add_argument(
        "night",
        type=Path,
        nargs="?",
        metavar="NIGHT",
        help="the run's folder, or the run.partial.json in it (default: the last one that was interrupted)",
    )
    add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.commands import nightly
    from harness.runs.journal import latest_interrupted
    from harness.runs.nightly.plan import is_nightly, nightly_plan_of
    from harness.runs.plan import plan_of

    folder = arguments.night or latest_interrupted(layout.NIGHTS)
    if folder.is_file():
        folder = folder.parent
    if is_nightly(folder):
        return nightly.finish(nightly_plan_of(folder).take_up(folder, options.say), arguments.open)
    return finish(plan_of(folder).take_up(folder, options.say), arguments.open)

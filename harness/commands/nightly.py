"""`earshot nightly`: a night measured in blocks, judged against baseline and history."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.commands.run import add_open

if TYPE_CHECKING:
    from harness.runs.nightly.outcome import Outcome

SUMMARY = "Measure a night between two canaries, hold it against baseline and history, and say what changed."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `nightly` takes."""
    options.add_models(parser)
    options.add_board(parser)
    options.add_engine(parser)
    parser.add_argument(
        "--rounds", type=options.jobs, default=3, metavar="N", help="blocks of each variant (default: 3)"
    )
    parser.add_argument(
        "--samples",
        type=options.jobs,
        default=50,
        metavar="N",
        help="of each series in a block, after 5 that are dropped (default: 50)",
    )
    parser.add_argument(
        "--a-a",
        action="store_true",
        help="measure all images of the last night again, unchanged: what the bench makes of no change",
    )
    parser.add_argument(
        "--history",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="where earlier nights are, of this host and others (default: --output's)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=layout.NIGHTS,
        metavar="FOLDER",
        help="where the night's folder is made; canaries and kept images lie beside it "
        "(default: reports/nights/)",
    )
    parser.add_argument(
        "--baselines",
        type=Path,
        default=layout.REPORTS / "baselines",
        metavar="FOLDER",
        help="what was accepted, one file a board (default: reports/baselines/)",
    )
    add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.runs.nightly.plan import NightlyPlan
    from harness.runs.nightly.settings import Settings
    from harness.runs.plan import Plan

    plan = Plan(
        options.selection(arguments),
        board=arguments.board or options.DEFAULT_BOARD,
        engine=arguments.engine,
        bench=arguments.bench,
        port=arguments.port,
    )
    settings = Settings(
        baselines=arguments.baselines,
        kept=arguments.output.resolve().parent,
        history=tuple(arguments.history or [arguments.output]),
        rounds=arguments.rounds,
        samples=arguments.samples,
    )
    night = NightlyPlan(plan, settings, arguments.a_a)
    return finish(night.begin(arguments.output, options.say), arguments.open)


def finish(outcome: Outcome, open_page: bool) -> int:
    """Prints what a night came to and tells its exit code.

    Args:
        outcome: of the night.
        open_page: whether the report is shown in a browser.
    """
    print(outcome.text)
    print(f"Report: {outcome.page}")
    if open_page:
        import webbrowser

        webbrowser.open(outcome.page.resolve().as_uri())
    return outcome.exit_code

"""`earshot baseline`: what a board's nights are held against, accepted and shown."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from harness.records.verdict import SeriesName

SUMMARY = "Accept a night as what later ones are held against, for a reason; or show what was accepted."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `baseline` takes."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="accept|show")
    accept = verbs.add_parser("accept", help="write what a night measured into the board's baseline")
    show = verbs.add_parser("show", help="print what was accepted, when, and why")
    for verb in (accept, show):
        verb.add_argument("--board", required=True, metavar="NAME", help="whose nights")
        verb.add_argument(
            "--baselines",
            type=Path,
            default=layout.REPORTS / "baselines",
            metavar="FOLDER",
            help="where <board>.toml is (default: reports/baselines/)",
        )
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why, for whoever reviews the change")
    accept.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="SERIES",
        help="variant/engine/metric/input-mode; may be given again (default: all that deviate)",
    )
    accept.add_argument(
        "--night", default="", metavar="NIGHT", help="its folder, or how its id begins (default: the last)"
    )
    accept.add_argument(
        "--history",
        type=Path,
        nargs="+",
        default=[layout.NIGHTS],
        metavar="FOLDER",
        help="where nights are (default: reports/nights/)",
    )
    accept.set_defaults(do=_accept)
    show.set_defaults(do=_show)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    code: int = arguments.do(arguments)
    return code


def _accept(arguments: argparse.Namespace) -> int:
    from harness.regression.accepting import accept_night

    accepted = accept_night(
        arguments.board,
        arguments.reason,
        datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        arguments.baselines,
        arguments.history,
        series=[_series(text) for text in arguments.series],
        which=arguments.night,
        say=options.say,
    )
    print(accepted.diff, end="")
    options.say(
        f"Night {accepted.night.id} of {accepted.night.started} was accepted for {arguments.board}. "
        f"The change is to be reviewed like code: commit {accepted.path}."
    )
    return EXIT_CLEAN


def _show(arguments: argparse.Namespace) -> int:
    from harness.regression.accepting import baseline_path
    from harness.regression.baseline_file import read_baseline
    from harness.regression.baseline_text import baseline_text
    from harness.regression.sentences import acceptance

    path = baseline_path(arguments.board, arguments.baselines)
    baseline = read_baseline(path)
    if baseline is None or baseline.epoch is None:
        raise UsageError(
            f"nothing was accepted for {arguments.board}",
            where=str(path),
            remedy=f"Accept its last night with {acceptance(arguments.board)}.",
        )
    print(baseline_text(baseline, baseline.epoch))
    return EXIT_CLEAN


def _series(text: str) -> SeriesName:

    try:
        return SeriesName.parse(text)
    except ValueError as problem:
        raise UsageError(str(problem), remedy="Copy it from a verdict or from `earshot history`.") from None

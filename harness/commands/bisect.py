"""`earshot bisect`: find the commit that changed a series of the emulated board."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE, UsageError

SUMMARY = "Find the commit that changed a series of the emulated board; each is measured by its own code."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `earshot bisect`."""
    parser.add_argument("good", metavar="GOOD", help="a commit before the series changed")
    parser.add_argument("bad", metavar="BAD", help="a later commit, after the series changed")
    parser.add_argument(
        "--series",
        required=True,
        metavar="SERIES",
        help="the series that changed: variant/engine/metric/input-mode, as in a verdict",
    )
    options.add_dataset(parser)
    parser.add_argument("--model", type=Path, metavar="FILE", help="the .tflite that the series belongs to")
    parser.add_argument(
        "--labels", default="", metavar="A,B,…", help="the labels of --model in the order of its outputs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from harness.records.verdict import SeriesName
    from harness.runs.bisection import bisect
    from harness.runs.measure_commit import options_of
    from harness.runs.selection import Selection

    try:
        series = SeriesName.parse(arguments.series)
    except ValueError as problem:
        raise UsageError(str(problem), remedy="Copy it from a verdict or from `earshot compare`.") from None
    labels = tuple(filter(None, arguments.labels.split(",")))
    selection = Selection("*", arguments.dataset, arguments.model, labels).only(series.variant)
    measuring = options_of(selection, series.engine)
    commits = bisect(arguments.good, arguments.bad, series, measuring, log=options.log)
    if len(commits) > 1:
        print(f"{series} changed with one of these commits, and those between cannot be measured:")
    else:
        print(f"{series} changed with this commit:")
    print(*(f"  {commit}" for commit in commits), sep="\n")
    return EXIT_CLEAN if len(commits) == 1 else EXIT_INCONCLUSIVE

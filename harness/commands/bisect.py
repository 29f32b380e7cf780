"""`earshot bisect`: find the commit that changed a series of the emulated board."""

from __future__ import annotations

import argparse

from harness import options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE

SUMMARY = "Find the commit that changed a series of the emulated board; each is measured by its own code."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("good", metavar="GOOD", help="a commit before the series changed")
    parser.add_argument("bad", metavar="BAD", help="a later commit, after the series changed")
    parser.add_argument(
        "--series",
        required=True,
        metavar="SERIES",
        help="the series that changed: variant/engine/metric/input-mode, as in a verdict",
    )
    options.add_footprint(parser)
    options.add_optimization(parser)
    options.add_dataset(parser)
    options.add_model_file(parser, "the variant of --series")


def run(arguments: argparse.Namespace) -> int:
    from harness.runs.bisection import bisect
    from harness.runs.measure_commit import options_of

    series = options.series(arguments.series)
    selection = options.selection(arguments, "*").only(series.variant)
    measuring = options_of(selection, series.engine, arguments.footprint, arguments.optimization)
    commits = bisect(arguments.good, arguments.bad, series, measuring)
    if len(commits) > 1:
        print(f"{series} changed with one of these commits, and those between cannot be measured:")
    else:
        print(f"{series} changed with this commit:")
    print(*(f"  {commit}" for commit in commits), sep="\n")
    return EXIT_CLEAN if len(commits) == 1 else EXIT_INCONCLUSIVE

"""`earshot bisect`: the commit that changed a series of the emulated board."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE, UsageError

SUMMARY = "Find the commit that changed a series of the emulated board; each is measured by its own code."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `bisect` takes."""
    parser.add_argument("good", metavar="GOOD", help="a commit at which the series was as it should be")
    parser.add_argument("bad", metavar="BAD", help="a later commit, at which it is not")
    parser.add_argument(
        "--series",
        required=True,
        metavar="SERIES",
        help="what changed, as verdicts name it: variant/engine/metric/input-mode",
    )
    options.add_dataset(parser)
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="measure this .tflite, which the series is of"
    )
    parser.add_argument(
        "--labels", default="", metavar="A,B,…", help="the labels of --model in the order of its outputs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.records.verdict import SeriesName
    from harness.regression.wording import bisection_text
    from harness.runs.bisect.bisection import bisect
    from harness.runs.bisect.measure_commit import options_of
    from harness.runs.selection import Selection

    try:
        series = SeriesName.parse(arguments.series)
    except ValueError as problem:
        raise UsageError(str(problem), remedy="Copy it from a verdict or from `earshot compare`.") from None
    labels = tuple(filter(None, arguments.labels.split(",")))
    selection = Selection("*", arguments.dataset, arguments.model, labels).only(series.variant)
    measuring = options_of(selection, series.engine)
    found = bisect(arguments.good, arguments.bad, series, measuring, say=options.say)
    print(bisection_text(found, series))
    return EXIT_CLEAN if found.culprit else EXIT_INCONCLUSIVE

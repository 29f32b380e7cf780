"""`earshot compare`: list every change between two runs of the emulated board."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.records.record import RunRecord

SUMMARY = "Compare two runs of the emulated board, such as those of two commits, to the cycle and the byte."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base",
        metavar="BASE",
        help="the first run: a run.json, its folder, or a folder of runs, such as reports/nights or a "
        "board's folder in it (its last run counts); or a URL",
    )
    parser.add_argument("head", metavar="HEAD", help="the second run, named in the same way")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="append Markdown to this file, such as $GITHUB_STEP_SUMMARY; - prints it instead of the text",
    )


def run(arguments: argparse.Namespace) -> int:
    from harness.files import append
    from harness.regression.compare import compare_records
    from harness.report.comparison_text import as_markdown, as_text

    comparison = compare_records(_record(arguments.base), _record(arguments.head))
    if arguments.markdown == Path("-"):
        sys.stdout.write(as_markdown(comparison))
        return comparison.exit_code
    print(as_text(comparison))
    if arguments.markdown:
        append(as_markdown(comparison), arguments.markdown)
    return comparison.exit_code


def _record(address: str) -> RunRecord:
    """Read the record of a run.

    Raises:
        UsageError: there is none, or the run did not end.
    """
    from harness.errors import UsageError
    from harness.published_runs import fetched
    from harness.records.reading import read_record
    from harness.runs.folder import RUN

    file = RUN.locate(fetched(address))
    if file.name == RUN.partial:
        raise UsageError("this run did not end", str(file), "End it with `earshot resume`.")
    return read_record(file)

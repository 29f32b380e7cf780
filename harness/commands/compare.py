"""`earshot compare`: list every change between two runs of the emulated board."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.records.record import RunRecord

SUMMARY = "Compare two runs of the emulated board, such as those of two commits, to the cycle and the byte."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base",
        metavar="BASE",
        help="the first run: a run.json, its folder, or a folder of runs (its last run counts); or a URL",
    )
    parser.add_argument("head", metavar="HEAD", help="the second run, named in the same way")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="append Markdown to this file, such as $GITHUB_STEP_SUMMARY; - prints it instead of the text",
    )


def run(arguments: argparse.Namespace) -> int:
    from harness.regression.compare import clip_changes, compare
    from harness.regression.from_record import night_of
    from harness.report.comparison_text import as_markdown, as_text

    base, head = _record(arguments.base), _record(arguments.head)
    comparison = replace(compare(night_of(base), night_of(head)), clips=clip_changes(base, head))
    if arguments.markdown == Path("-"):
        sys.stdout.write(as_markdown(comparison))
        return comparison.exit_code
    print(as_text(comparison))
    if arguments.markdown:
        arguments.markdown.parent.mkdir(parents=True, exist_ok=True)
        with arguments.markdown.open("a", encoding="utf-8") as stream:
            stream.write(as_markdown(comparison))
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

    file = path = fetched(address)
    if path.is_dir():
        file = RUN.find(path)
        file = file if file.exists() else RUN.latest(path)
    if file.name == RUN.partial:
        raise UsageError("this run did not end", str(file), "End it with `earshot resume`.")
    return read_record(file)

"""`earshot compare`: what changed on the emulated board between two nights, to the cycle and the byte."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.records.record import RunRecord

SUMMARY = (
    "Compare two nights of the emulated board, such as those of two commits: every change, to the cycle."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `compare` takes."""
    parser.add_argument(
        "base",
        type=Path,
        metavar="BASE",
        help="what it was: a run.json, its folder, or one of nights, of which the last is taken",
    )
    parser.add_argument("head", type=Path, metavar="HEAD", help="what it is, likewise")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="append the table to this file as Markdown, such as $GITHUB_STEP_SUMMARY; - prints it that way",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from harness.records.clips import clip_changes
    from harness.regression.compare import compare
    from harness.regression.from_record import night_of
    from harness.regression.wording import as_markdown, as_text

    base, head = _record(arguments.base), _record(arguments.head)
    comparison = compare(night_of(base, base.checksum), night_of(head, head.checksum))
    comparison = replace(comparison, clips=tuple(clip_changes(base, head)))
    if arguments.markdown == Path("-"):
        sys.stdout.write(as_markdown(comparison))
        return comparison.exit_code
    print(as_text(comparison))
    if arguments.markdown:
        arguments.markdown.parent.mkdir(parents=True, exist_ok=True)
        with arguments.markdown.open("a", encoding="utf-8") as stream:
            stream.write(as_markdown(comparison))
    return comparison.exit_code


def _record(path: Path) -> RunRecord:
    """The record of a night.

    Raises:
        UsageError: there is none, or it did not end.
    """
    from harness.errors import UsageError
    from harness.records.reading import read_record
    from harness.runs.journal import PARTIAL, RECORD, latest_record

    file = path
    if path.is_dir():
        file = path / (PARTIAL if (path / PARTIAL).exists() else RECORD)
        file = file if file.exists() else latest_record(path)
    if file.name == PARTIAL:
        raise UsageError(
            "this night did not end, so that it lacks what came after",
            where=str(file),
            remedy="Let `earshot resume` end it.",
        )
    return read_record(file)

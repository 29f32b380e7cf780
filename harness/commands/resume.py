"""`earshot resume`."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout, options
from harness.commands import field, nightly
from harness.commands import run as run_command

SUMMARY = "Continue an interrupted or killed run, night or field run; measured results are kept."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run",
        type=Path,
        nargs="?",
        metavar="RUN",
        help="the run's folder, or the partial record in it (default: the last interrupted run or night)",
    )
    options.add_scheduler(parser)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.runs.field.run import resume_field
    from harness.runs.folder import RUN
    from harness.runs.nightly.nightly import run_nightly
    from harness.runs.request import load_request
    from harness.runs.run import resume_run

    folder = (arguments.run or RUN.latest(layout.NIGHTS, interrupted=True)).resolve()
    if folder.is_file():
        folder = folder.parent
    request = load_request(folder)
    if request.nightly:
        result = run_nightly(request, folder.parents[1], interrupted=folder)
        return nightly.finish(result, request.nightly.publish, arguments.open)
    if request.field:
        return field.finish(*resume_field(request, folder).run(), arguments.open)
    return run_command.finish(resume_run(request, folder), arguments.open)

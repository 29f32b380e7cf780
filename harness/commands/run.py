"""`earshot run`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness import options
from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_USAGE, Unsupported, UsageError
from models.errors import ConfigError, ConversionError, DatasetError

if TYPE_CHECKING:
    from harness.runs.request import RunRequest
    from harness.runs.run import Run
    from harness.runs.selection import Selection

_OF_INPUT = {one.failure for one in (UsageError, Unsupported, ConfigError, ConversionError, DatasetError)}
"""Failures of what the user gave, which no repair of bench or tools would help."""

SUMMARY = "Train, convert, build, measure and report the variants; what exists already is reused."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_request(parser)
    options.add_recordings(parser)
    options.add_output(parser)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.runs.run import begin_run

    request = request_of(arguments, recordings=arguments.recordings)
    return finish(begin_run(request, arguments.output), arguments.open)


def request_of(arguments: argparse.Namespace, selection: Selection | None = None, **more: Any) -> RunRequest:
    """Return the request of the options for models, board and engine; `selection` replaces the models."""
    from harness.runs.request import RunRequest

    return RunRequest(
        selection or options.selection(arguments),
        board=arguments.board or options.DEFAULT_BOARD,
        engine=arguments.engine,
        footprint=arguments.footprint,
        bench=arguments.bench,
        port=arguments.port,
        clock=arguments.clock,
        wait_s=arguments.wait,
        optimization=arguments.optimization,
        **more,
    )


def finish(run: Run, open_page: bool) -> int:
    """Measure, print the summary and return the exit code."""
    from harness.report.pages.run import summary_text

    record, page = run.run()
    print(summary_text(record))
    options.show_page(page, open_page)
    return exit_code(record.variants)


def exit_code(rows: Sequence[Any]) -> int:
    """Return the exit code of a run by the faults of its rows."""
    if all(row.faults for row in rows):
        failures = {fault.failure for row in rows for fault in row.faults}
        return EXIT_USAGE if failures <= _OF_INPUT else EXIT_BROKEN
    return EXIT_INCONCLUSIVE if any(row.faults for row in rows) else EXIT_CLEAN

"""`earshot nightly`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import options
from harness.commands.run import request_of

if TYPE_CHECKING:
    from harness.runs.nightly.nightly import NightlyResult

SUMMARY = "Measure a night in blocks, compare it with baseline and history, and report what changed."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_models(parser)
    options.add_board(parser)
    options.add_engine(parser)
    parser.add_argument(
        "--rounds", type=options.positive, default=3, metavar="N", help="blocks of each variant (default: 3)"
    )
    parser.add_argument(
        "--samples",
        type=options.positive,
        default=50,
        metavar="N",
        help="samples of each series in a block, after 5 warm-ups (default: 50)",
    )
    parser.add_argument(
        "--a-a",
        action="store_true",
        help="measure the images of the last night again: shows how much the bench itself varies",
    )
    parser.add_argument(
        "--history",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="folders of earlier nights, of this host and others (default: that of --output)",
    )
    options.add_output(parser)
    options.add_baselines(parser)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.runs.nightly.nightly import run_nightly
    from harness.runs.request import NightlyRequest

    nightly = NightlyRequest(
        baselines=arguments.baselines,
        kept=arguments.output.resolve().parent,
        history=tuple(arguments.history or [arguments.output]),
        rounds=arguments.rounds,
        samples=arguments.samples,
        same_images=arguments.a_a,
    )
    request = request_of(arguments, nightly=nightly)
    return finish(run_nightly(request, arguments.output), arguments.open)


def finish(result: NightlyResult, open_page: bool) -> int:
    """Print the verdict and return the exit code."""
    print(result.text)
    options.show_page(result.page, open_page)
    return result.exit_code

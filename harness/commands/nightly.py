"""`earshot nightly`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness import options
from harness.commands.run import request_of
from harness.errors import EXIT_BROKEN, EXIT_CLEAN
from models.remote import check_address

if TYPE_CHECKING:
    from harness.runs.nightly.nightly import NightlyResult

SUMMARY = "Measure a night in blocks, compare it with baseline and history, and report what changed."


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add_request(parser)
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
        nargs="+",
        metavar="FOLDER",
        help="folders of earlier nights, of this host and others, or URLs (default: that of --output)",
    )
    parser.add_argument(
        "--publish",
        metavar="FOLDER",
        help="copy the night to this folder, or to a URL such as s3://bucket/nights, which benches share",
    )
    options.add_output(parser)
    options.add_baselines(parser)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.published_runs import absolute, fetched_or_older
    from harness.runs.nightly.nightly import run_nightly
    from harness.runs.request import NightlyRequest

    nightly = NightlyRequest(
        baselines=arguments.baselines,
        kept=arguments.output.resolve().parent,
        history=tuple(map(fetched_or_older, arguments.history or [str(arguments.output)])),
        rounds=arguments.rounds,
        samples=arguments.samples,
        same_images=arguments.a_a,
        publish=absolute(arguments.publish) if arguments.publish else "",
    )
    check_address(nightly.publish)
    request = request_of(arguments, nightly=nightly)
    return finish(run_nightly(request, arguments.output), nightly.publish, arguments.open)


def finish(result: NightlyResult, publish: str, open_page: bool) -> int:
    """Print the verdict, publish the night and return the exit code."""
    from harness.published_runs import publish_night

    print(result.text)
    options.show_page(result.page, open_page)
    is_published = not publish or publish_night(result.page.parent, publish)
    return result.exit_code or (EXIT_CLEAN if is_published else EXIT_BROKEN)

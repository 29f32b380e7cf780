"""`earshot baseline`: accept a night as the reference of later ones, or show what was accepted."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, UsageError
from models import progress

if TYPE_CHECKING:
    from harness.regression.baseline import Baseline, Epoch

SUMMARY = "Accept a night as the reference of later ones, with a reason; or show what was accepted."


def add_options(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="accept|show")
    accept = verbs.add_parser("accept", help="write the values of a night into the board's baseline")
    show = verbs.add_parser("show", help="print what was accepted, when, and why")
    for verb in (accept, show):
        verb.add_argument("--board", required=True, metavar="NAME", help="the board's name")
        options.add_baselines(verb)
        options.add_verbosity(verb)
    accept.add_argument(
        "--reason", required=True, metavar="TEXT", help="reason for the change, for its reviewers"
    )
    accept.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="SERIES",
        help="series to accept: variant/engine/metric/input-mode; repeatable (default: all that deviate)",
    )
    accept.add_argument(
        "--night",
        default="",
        metavar="NIGHT",
        help="night to accept: its folder, or the beginning of its id (default: the latest)",
    )
    accept.add_argument(
        "--history",
        nargs="+",
        default=[str(layout.NIGHTS)],
        metavar="FOLDER",
        help="folders of nights, or URLs of them (default: reports/nights/)",
    )
    accept.set_defaults(do=_accept)
    show.set_defaults(do=_show)


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.do(arguments)
    return code


def _accept(arguments: argparse.Namespace) -> int:
    from harness.published_runs import fetched
    from harness.regression.acceptance import accept_night
    from harness.regression.baseline import baseline_path

    path = baseline_path(arguments.board, arguments.baselines)
    before = path.read_text("utf-8", "replace").splitlines(keepends=True) if path.exists() else []
    night, path = accept_night(
        arguments.board,
        arguments.reason,
        datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        arguments.baselines,
        [fetched(address) for address in arguments.history],
        series=[options.series(text) for text in arguments.series],
        which=arguments.night,
    )
    after = path.read_text(encoding="utf-8").splitlines(keepends=True)
    print(
        *difflib.unified_diff(before, after, str(path) if before else "/dev/null", str(path)), sep="", end=""
    )
    progress.log(
        f"Accepted night {night.id} of {night.started} for {arguments.board}. "
        f"Review the change like code and commit {path}."
    )
    return EXIT_CLEAN


def _show(arguments: argparse.Namespace) -> int:
    from harness.regression.baseline import baseline_path, read_baseline
    from harness.regression.sentences import acceptance

    path = baseline_path(arguments.board, arguments.baselines)
    baseline = read_baseline(path)
    if baseline is None or baseline.epoch is None:
        raise UsageError(
            f"nothing was accepted for {arguments.board}",
            where=str(path),
            remedy=f"Accept its last night with {acceptance(arguments.board)}.",
        )
    print(*_lines(baseline, baseline.epoch), sep="\n")
    return EXIT_CLEAN


def _lines(baseline: Baseline, epoch: Epoch) -> Iterator[str]:
    from harness import format as fmt
    from harness.records.verdict import SeriesName
    from harness.regression.sentences import amount

    yield f"{baseline.board}: epoch {epoch.number}, since {epoch.since}, board {epoch.uid}"
    for name, value in sorted(epoch.environment.items()):
        yield f"  {name}: {value}"
    if epoch.canary:
        yield f"  canary: {epoch.canary.reference_us:,.2f} µs, image {epoch.canary.image[:8]}"
    yield ""
    accepted = {name: amount(value, SeriesName.parse(name)) for name, value in epoch.exact.items()}
    for name, item in epoch.times.items():
        accepted[name] = (
            f"{amount(item.reference_us, SeriesName.parse(name))} since {item.since} "
            f"(nights: {item.nights}, sd {fmt.precise_share(item.night_sd)})"
        )
    width = max(map(len, accepted), default=0)
    for name in sorted(accepted):
        yield f"{name:<{width}}  {accepted[name]}"
    yield ""
    for one in epoch.accepted:
        yield f"{one.at} {', '.join(one.series)} of commit {one.commit[:10]}: {one.reason}"

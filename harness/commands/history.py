"""`earshot history`: every series of every board over all nights, as pages."""

from __future__ import annotations

import argparse
from dataclasses import replace

from harness import layout, options
from harness.errors import EXIT_CLEAN, EXIT_USAGE, UsageError
from models import progress
from models.errors import ConfigError

SUMMARY = "Show every series over all nights: the last verdicts, sparklines, and a plot per series."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders",
        nargs="*",
        metavar="FOLDER",
        help="folders with nightly records, of one or more benches, or URLs such as s3://bucket/nights "
        "(default: reports/nights/)",
    )
    options.add_output(parser, layout.REPORTS / "history", "folder for the pages")
    options.add_baselines(parser)
    options.add_open(parser)


def run(arguments: argparse.Namespace) -> int:
    from harness.published_runs import fetched
    from harness.records.reading import read_record
    from harness.regression.baseline import baseline_path, read_baseline
    from harness.regression.history import read_history
    from harness.regression.specimens import told_apart
    from harness.report.pages.history import render_history

    folders = [fetched(address) for address in arguments.folders]
    missing = [str(folder) for folder in folders if not folder.exists()]
    if missing:
        raise UsageError(f"there is no {', '.join(missing)}", remedy="Name folders with records.")
    default = [layout.NIGHTS] if layout.NIGHTS.exists() else []
    history = read_history(folders or default)
    named = history.nights
    history = replace(history, nights=tuple(told_apart(named)))
    for one in history.left_out:
        progress.warn(one.sentence)
    last = {night.board: night for night in history.nights}
    # Benches may share a board's name. The baseline belongs to the board whose nights were accepted.
    names = {night.board: own.board for night, own in zip(history.nights, named, strict=True)}
    baselines, recorded, status = {}, {}, EXIT_CLEAN
    for board, night in last.items():
        try:
            baseline = read_baseline(baseline_path(names[board], arguments.baselines))
        except ConfigError as problem:  # the other boards have theirs
            progress.warn(f"{board} is shown without its baseline: {problem}")
            status = EXIT_USAGE
            continue
        uids = {one.uid for one in history.nights if one.board == board}
        if baseline and (board == names[board] or uids & {epoch.uid for epoch in baseline.epochs}):
            baselines[board] = baseline
        elif verdict := read_record(history.records[night.id]).verdict:
            recorded[board] = verdict
    page = render_history(history, baselines, arguments.output, recorded)
    if history.nights:
        progress.log(
            f"nights: {len(history.nights):,}, boards: {len(last)}, records left out: {len(history.left_out)}"
        )
    else:
        progress.log(
            "There are no nights yet (`earshot run` measures none): measure the first with "
            "`earshot nightly --board emulated`."
        )
    options.show_page(page, arguments.open, title="")
    return status

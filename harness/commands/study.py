"""`earshot study`: compare ways of pruning and quantizing over many points and several seeds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness import layout, options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE, UsageError
from models import progress
from models.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    from harness.boards.small_linux.computer import Computer
    from harness.meters.meter import Meter

SUMMARY = "Compare ways of pruning and quantizing over many points and seeds: tables and plots."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="study of models/studies/, without .toml (default: all)"
    )
    parser.add_argument("--list", action="store_true", help="list the studies with their questions")
    parser.add_argument(
        "--jobs",
        type=options.positive,
        metavar="N",
        help="number of points at a time on this machine (default: one per core)",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        help="dataset in the Speech Commands layout, or the folder of CIFAR-10 for a study of images "
        "(default: a synthetic corpus, made once; scikit-learn's digits)",
    )
    parser.add_argument(
        "--board",
        default="linux",
        metavar="NAME",
        help="small Linux computer of the bench file that runs the networks of the study mobilenet (default: "
        "the only one, or else this host, whose power the bench file's [meter] measures)",
    )
    options.add_bench(parser)
    options.add_scheduler(parser)
    options.add_output(parser, layout.STUDIES, "folder for a folder per study")


def run(arguments: argparse.Namespace) -> int:
    from models.studies import load_study, study_names

    studies, failed = [], 0
    for name in arguments.names or study_names():
        try:
            studies.append(load_study(name))
        except ConfigError as failure:
            if arguments.names:
                raise
            progress.warn(str(failure))
            failed += 1
    if arguments.list:
        for study in studies:
            print(f"{study.name:<16} {len(study.variants):>4} points  {study.heading.question}")
        return EXIT_INCONCLUSIVE if failed else EXIT_CLEAN

    from harness.records.study import RECORD, write_study
    from harness.report.pages.study import render_study, summary_text
    from harness.runs.study import run_study
    from models.store import Store

    store, computer, meter = Store(layout.store_root()), None, None
    if any(study.heading.on_linux for study in studies):
        computer, meter = _bench(arguments)
    for study in studies:
        try:
            record = run_study(study, arguments.dataset, store, arguments.jobs, computer, meter)
        except DatasetError as failure:  # one dataset suits studies of sound or of images
            if arguments.names:
                raise
            progress.warn(f"{study.name}: {failure}")
            failed += 1
            continue
        folder = arguments.output / study.name
        write_study(record, folder / RECORD)
        page = render_study(record, folder)
        print(f"{summary_text(record)}\n\nReport: {page}\n", flush=True)
        failed += sum(point.failure is not None for point in record.points)
    return EXIT_INCONCLUSIVE if failed else EXIT_CLEAN


def _bench(arguments: argparse.Namespace) -> tuple[Computer, Meter | None]:
    from harness.bench_file import find_bench
    from harness.boards.linux import Linux
    from harness.boards.registry import find_entry
    from harness.meters.registry import meter_of

    bench = find_bench(arguments.bench)
    entry = find_entry(arguments.board, bench)
    if entry.kind != Linux.name:
        raise UsageError(
            f"the board {entry.name} is not a Linux computer",
            where=f"--board {arguments.board}",
            remedy="Name a board of the kind linux, or leave --board out for this host.",
        )
    board = Linux.from_bench(entry, bench)
    board.check()
    return board.computer, meter_of(bench.meter) if bench.meter else None

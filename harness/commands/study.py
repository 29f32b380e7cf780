"""`earshot study`: methods compared over many points and several seeds."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import layout, options
from harness.errors import EXIT_CLEAN, EXIT_INCONCLUSIVE

SUMMARY = "Compare ways of pruning and quantizing over many points and seeds: figures, plots, verdicts."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `study` takes."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="of models/studies/, without .toml (default: all of them)"
    )
    parser.add_argument("--list", action="store_true", help="list the studies and what they ask")
    parser.add_argument(
        "--jobs", type=options.jobs, metavar="N", help="points at a time (default: one for each core)"
    )
    options.add_dataset(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=layout.STUDIES,
        metavar="FOLDER",
        help="where each study's folder is made (default: reports/studies/)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    from models.studies import load_studies, load_study

    studies = [load_study(name) for name in arguments.names] or load_studies()
    if arguments.list:
        for study in studies:
            print(f"{study.name:<16} {len(study.variants):>4} points  {study.question}")
        return EXIT_CLEAN

    from harness.records.study import RECORD, write_study
    from harness.report.studies import render_study, summary_text
    from harness.runs.studies import run_study
    from models.data.corpus import synthetic_corpus
    from models.store import Store

    store = Store(layout.store_root())
    dataset = arguments.dataset or synthetic_corpus(store, progress=False)
    failed = 0
    for study in studies:
        record = run_study(study, dataset, store, options.say, arguments.jobs)
        folder = arguments.output / study.name
        write_study(record, folder / RECORD)
        page = render_study(record, folder)
        print(f"{summary_text(record)}\nReport: {page}\n", flush=True)
        failed += sum(point.failure is not None for point in record.points)
    return EXIT_INCONCLUSIVE if failed else EXIT_CLEAN

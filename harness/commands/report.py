"""`earshot report`."""

from __future__ import annotations

import argparse
import time

from harness import layout
from harness.errors import EXIT_CLEAN
from harness.layout import RECORD
from models.remote import is_url

SUMMARY = "Render run records again as HTML, Markdown and CSV; compare the variants of several."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "record",
        nargs="*",
        metavar="RECORD",
        help="a run.json or its folder, a folder of runs (its last run counts), or a field.json or its "
        "folder (default: the latest run); or a URL of a run, whose pages are written there, too. The family "
        "page of several runs is written into the first folder",
    )


def run(arguments: argparse.Namespace) -> int:
    from harness.published_runs import fetched, publish
    from harness.records.reading import read_record
    from harness.report.pages.family import render_family
    from harness.report.pages.field import render_field
    from harness.report.pages.run import render_run
    from harness.runs.folder import FIELD, RUN

    named = [fetched(address, whole=True) for address in arguments.record] or [RUN.latest(layout.NIGHTS)]
    named = [path.parent if path.name in (FIELD.name, FIELD.partial) else path for path in named]
    began_ns = time.time_ns()
    fields = [path for path in named if FIELD.find(path).exists()]
    for folder in fields:
        print(render_field(FIELD.read(FIELD.find(folder)), folder))
    paths = [RUN.locate(path) for path in named if path not in fields]
    records = {path.parent: read_record(path) for path in paths}
    for folder, record in records.items():
        print(render_run(record, folder))
    if len(records) > 1:
        print(render_family(records, paths[0].parent))
    for folder, address in zip(named, arguments.record, strict=False):
        if is_url(address):
            run = folder if folder.is_dir() else folder.parent
            publish(run, address.removesuffix(f"/{RECORD}"), since_ns=began_ns)
    return EXIT_CLEAN

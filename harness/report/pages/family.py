"""The page of a family: the variants of one or several runs side by side, to choose one to ship."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import format as fmt
from harness.records.record import RunRecord
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.family_entries import Entry, entries_of, front_of, original_of
from harness.report.pages.family_plots import family_plots
from harness.report.pages.family_tables import confusions, family_tables
from harness.report.variants import clock_note

PAGE = "family.html"
SMALLEST = 3
"""Variants that make a family worth a page."""
_CLOSE = 0.02
"""Accuracy that a variant may lose against float32 and still be recommended: two points."""


def render_family(records: Mapping[Path, RunRecord], folder: Path) -> Path:
    """Write family.html and a CSV for each table into a folder, and return the path of the page.

    The runs are given by their folders, where their own pages are. The page is self-contained; without
    JavaScript only the sorting of tables is missing.
    """
    entries = entries_of(list(records.values()))
    tables = family_tables(entries)
    started = min((record.run.get("started", "") for record in records.values()), default="")
    boards = [record.board for record in records.values()]
    return write_page(
        "family.html.j2",
        folder / PAGE,
        title=f"Earshot: {len(entries)} variants compared, {started[:10]}".rstrip(", "),
        sentences=headline(entries),
        boards=list(dict.fromkeys(board.title for board in boards)),
        started=fmt.utc(started),
        clock=clock_note(records.values()),
        runs=[
            (
                f"{record.board.name}, {fmt.date_time(record.run.get('started', ''))}".rstrip(", "),
                (Path(os.path.relpath(place, folder)) / "report.html").as_posix(),
            )
            for place, record in records.items()
        ],
        tables=page_tables(tables),
        matrices=confusions(entries),
        plots=family_plots(entries),
        files=write_csvs(tables.values(), folder),
    )


def headline(entries: Sequence[Entry]) -> list[str]:
    """Return sentences on the Pareto front, the fastest variants close to float32, and the gaps."""
    front = front_of(entries)
    measured = sum(entry.inference_us is not None for entry in entries)
    if not front:
        return [f"{fmt.plural(len(entries), 'variant')}, none of them measured on a board."]
    if len(front) == 1:
        sentences = [f"{front[0].title} is the fastest and the most accurate of {measured} variants."]
    else:
        sentences = [
            f"{len(front)} of {measured} variants are on the Pareto front, from {_facts(front[0])} to "
            f"{_facts(front[-1])}."
        ]
    sentences += _close_to_float32(entries)
    if gaps := sum(bool(entry.gap) for entry in entries):
        sentences.append(f"Not measured on a board: {fmt.plural(gaps, 'variant')}.")
    return sentences


def _facts(entry: Entry) -> str:
    title = entry.title.replace(" %", "\u00a0%")
    return f"{title} ({fmt.duration(entry.inference_us)}, {fmt.share(entry.accuracy)})"


def _close_to_float32(entries: Sequence[Entry]) -> list[str]:
    sentences = []
    timed = [
        entry for entry in entries if entry.trusted and entry.inference_us and entry.accuracy is not None
    ]
    for reference in timed:
        if reference.kind != "float32":
            continue
        least = (reference.accuracy or 0) - _CLOSE
        close = [entry for entry in timed if (entry.accuracy or 0) >= least]
        alike = [entry for entry in close if original_of(entry, entries) is reference]
        fastest = min(alike, key=lambda entry: (entry.inference_us or 0, -(entry.accuracy or 0)))
        if fastest is not reference:
            ratio = fmt.times((reference.inference_us or 0) / (fastest.inference_us or 1))
            sentences.append(
                f"The fastest variant within two points of {_facts(reference)} is {_facts(fastest)}: "
                f"{ratio} as fast."
            )
    return sentences

"""The page of a family: the variants of one or several runs side by side, to choose which one to ship."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness import layout
from harness.records.record import RunRecord
from harness.report import format as fmt
from harness.report.comparisons import confusion_table
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.family_entries import Entry, different_models, entries_of, float32_of
from harness.report.pages.family_plots import family_plots
from harness.report.pages.family_tables import (
    Series,
    comparison_table,
    confusions,
    pairs_table,
    pareto_front,
    pruned_table,
    pruning_sentences,
    series_of,
)
from harness.report.pages.run_tables import sizes_table
from harness.report.pages.study import sections as study_sections
from harness.report.table import Table
from harness.report.variants import clock_note

PAGE = "family.html"
SMALLEST = 3
"""Variants that make a family worth a page."""
_CLOSE = 0.02
"""Accuracy that a variant may lose against float32 and still be recommended: two points."""


def render_family(records: Mapping[Path, RunRecord], folder: Path, studies: Path = layout.STUDIES) -> Path:
    """Write family.html and a CSV for each table into a folder.

    The page is self-contained. Without JavaScript only the sorting of tables is missing.

    Args:
        records: the runs by their folders, where their own pages are.
        folder: destination.
        studies: folder of all studies, whose plots and results are shown too; it may be missing.

    Returns:
        The path of the page.
    """
    entries = entries_of(list(records.values()))
    channels, weights = series_of(entries, "channels"), series_of(entries, "weights")
    tables = family_tables(entries, channels, weights)
    started = min((record.run.get("started", "") for record in records.values()), default="")
    sections = study_sections(studies)
    study_plots = {f"study-{one.name}": one.plot for one in sections if one.plot}
    boards = [record.board for record in records.values()]
    return write_page(
        "family.html.j2",
        folder / PAGE,
        title=f"Earshot: {len(entries)} variants compared, {started[:10]}".rstrip(", "),
        sentences=headline(entries),
        boards=list(dict.fromkeys(board.title for board in boards)),
        started=f"{fmt.date_time(started)} UTC" if started else "",
        clock=clock_note(boards),
        runs=[
            (
                f"{record.board.name}, {fmt.date_time(record.run.get('started', ''))}".rstrip(", "),
                (Path(os.path.relpath(place, folder)) / "report.html").as_posix(),
            )
            for place, record in records.items()
        ],
        channels=pruning_sentences(channels, "channels"),
        weights=pruning_sentences(weights, "weights"),
        tables=page_tables(tables),
        front=front_list(entries),
        matrices=confusions(different_models(entries)),
        plots=family_plots(entries, channels, weights) | study_plots,
        studies=[(one, Path(os.path.relpath(one.page, folder)).as_posix()) for one in sections],
        files=write_csvs(tables.values(), folder),
    )


def family_tables(
    entries: Sequence[Entry], channels: Sequence[Series], weights: Sequence[Series]
) -> dict[str, Table]:
    """Return the tables by their names on the page, in reading order."""
    models = different_models(entries)
    tables = [
        comparison_table(entries),
        pruned_table(channels, "channels", "By share of pruned channels"),
        pruned_table(weights, "weights", "By share of pruned weights"),
        sizes_table([(entry.title, entry.variant, entry.record.board) for entry in entries]),
        pairs_table(models),
        confusion_table(
            confusions(models),
            said="Label",
            detected="Detected",
            note="Clips of the test set by their right label and the label that the model gave.",
        ),
    ]
    # The prefix keeps the CSVs apart from those of the run whose folder it may be.
    return {
        table.name: replace(table, name=table.name if table.name == "family" else f"family-{table.name}")
        for table in tables
    }


def headline(entries: Sequence[Entry]) -> list[str]:
    """Return sentences on the Pareto front, the fastest variants close to float32, and the gaps."""
    front = pareto_front(entries)
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


def front_list(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Return title, latency, accuracy and memory of the variants on the front, the fastest first."""
    found = []
    for entry in pareto_front(entries):
        facts = [f"{fmt.duration(entry.inference_us)} per inference", f"{fmt.share(entry.accuracy)} accuracy"]
        if firmware := entry.variant.firmware:
            facts.append(f"{fmt.count(firmware.flash_bytes)} bytes of flash")
            facts.append(f"{fmt.count(firmware.ram_bytes)} bytes of RAM")
        found.append((entry.title, ", ".join(facts)))
    return found


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
        close = [
            entry
            for entry in timed
            if float32_of(entry, entries) is reference and (entry.accuracy or 0) >= least
        ]
        fastest = min(close, key=lambda entry: entry.inference_us or 0)
        if fastest is not reference:
            ratio = fmt.times((reference.inference_us or 0) / (fastest.inference_us or 1))
            sentences.append(
                f"The fastest variant within two points of {_facts(reference)} is {_facts(fastest)}: "
                f"{ratio} as fast."
            )
    return sentences

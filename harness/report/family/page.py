"""The family's page: every variant of one or several nights side by side, as HTML, Markdown and CSV."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness import layout
from harness.records.record import RunRecord
from harness.report import format as figures
from harness.report.estimates import estimates_table, layers_table
from harness.report.family.comparison import comparison_table, gaps_table
from harness.report.family.entries import Entry, entries_of
from harness.report.family.headline import front_list, headline
from harness.report.family.labels import (
    confusion_table,
    confusions,
    different_models,
    labels_table,
    pairs_table,
)
from harness.report.family.plots import family_plots
from harness.report.family.pruned import (
    Series,
    channels_sentences,
    pruned_table,
    series_of,
    weights_sentences,
)
from harness.report.html import PageTable, page_template, write_text
from harness.report.markdown import markdown
from harness.report.studies.page import sections as study_sections
from harness.report.table import Table
from harness.report.variants import time_is

PAGE, MARKDOWN = "family.html", "family.md"

SMALLEST = 3
"""Variants that make a family worth a page."""


def is_family(records: Sequence[RunRecord]) -> bool:
    """Whether there is enough to compare."""
    return sum(len(record.variants) for record in records) >= SMALLEST


def render_family(records: Mapping[Path, RunRecord], folder: Path, studies: Path = layout.STUDIES) -> Path:
    """Writes family.html, family.md and a CSV for each table into a folder.

    The page is self-contained: no network, and without JavaScript nothing is missing but the sorting.

    Args:
        records: the nights by their folders, in which their own pages are.
        folder: will be made.
        studies: the folder of all studies, whose plots and verdicts are shown too; it need not be there.

    Returns:
        The path of the page.
    """
    entries = entries_of(list(records.values()))
    channels, weights = series_of(entries, "channels"), series_of(entries, "weights")
    matrices = confusions(different_models(entries))
    tables = family_tables(entries, channels, weights)
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables.values():
        write_text(folder / f"{table.name}.csv", table.frame.to_csv(index=False, lineterminator="\n"))
    started = min((record.run.get("started", "") for record in records.values()), default="")
    title = f"Earshot: {len(entries)} variants compared, {started[:10]}".rstrip(", ")
    says = {"channels": channels_sentences(channels), "weights": weights_sentences(weights)}
    sentences = headline(entries)
    write_text(
        folder / MARKDOWN,
        markdown(title, [*sentences, *says["channels"], *says["weights"]], list(tables.values())),
    )
    sections = study_sections(studies)
    plots = {f"study-{one.name}": one.plot for one in sections if one.plot}
    html = page_template("family.html.j2").render(
        title=title,
        sentences=sentences,
        boards=list(dict.fromkeys(record.board.title for record in records.values())),
        started=f"{started[:16].replace('T', ' ')} UTC" if started else "",
        clock=_clock(list(records.values())),
        nights=_nights(records, folder),
        **says,
        tables={name: PageTable(table) for name, table in tables.items() if len(table.frame)},
        front=front_list(entries),
        matrices=matrices,
        plots=family_plots(entries, channels, weights) | plots,
        studies=[(one, Path(os.path.relpath(one.page, folder)).as_posix()) for one in sections],
        files=[MARKDOWN, *(f"{table.name}.csv" for table in tables.values())],
        share=figures.share,
        count_of=figures.count,
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def family_tables(
    entries: Sequence[Entry], channels: Sequence[Series], weights: Sequence[Series]
) -> dict[str, Table]:
    """The tables by the names that the page has for them, in reading order."""
    models = different_models(entries)
    sized = [(entry.title, entry.variant, entry.record.board) for entry in entries]
    tables = [
        comparison_table(entries),
        gaps_table(entries),
        pruned_table(channels, "channels", "By the share of the channels pruned"),
        pruned_table(weights, "weights", "By the share of the weights pruned"),
        estimates_table(sized),
        layers_table(sized),
        pairs_table(models),
        labels_table(models),
        confusion_table(confusions(models)),
    ]
    return {table.name: replace(table, name=_file_name(table.name)) for table in tables}


def _file_name(name: str) -> str:
    """Apart from the tables of the night whose folder it may be."""
    return name if name == "family" else f"family-{name}"


def _clock(records: Sequence[RunRecord]) -> str:
    """What the times are, where that is not plain."""
    boards = {record.board.title: record.board for record in records if time_is(record.board) != "measured"}
    return " ".join(
        f"Times of the {title} are {time_is(board)} ({board.clock} at {board.clock_hz / 1e6:g} MHz), not "
        "taken from a physical board."
        for title, board in boards.items()
    )


def _nights(records: Mapping[Path, RunRecord], folder: Path) -> list[tuple[str, str]]:
    """Where the pages of the nights themselves are, seen from this one."""
    return [
        (
            f"{record.board.name}, {record.run.get('started', '')[:16].replace('T', ' ')}".rstrip(", "),
            f"{Path(os.path.relpath(place, folder)).as_posix()}/report.html".removeprefix("./"),
        )
        for place, record in records.items()
    ]

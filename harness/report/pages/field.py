"""The page of a field run, and its tables as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import format as fmt
from harness.records.field_record import FieldRecord
from harness.report.confusion import Matrix
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.field_plots import det_plots
from harness.report.pages.field_rates import ROUTES, by_route, matrices
from harness.report.pages.field_tables import field_tables
from harness.report.pages.field_verdict import (
    basis,
    headline,
    not_counted_sentences,
    slow_sentences,
    tuning_sentences,
)
from harness.report.pages.missed_words import OPEN, MissedWord, listening_sentence, missed_words
from harness.report.plot import Plot
from harness.stats.det import used_point

PAGE = "field.html"
MOST_ROWS = 1000
"""Rows of a table on the page; longer tables are in their CSV only."""
_ROUTE_SECTIONS = (
    ("overview", "At a glance", "overview"),
    ("rates", "Distance and noise", "by-snr by-distance conditions"),
    ("words", "Labels and speakers", "labels confusion speakers"),
    ("thresholds", "False accepts and thresholds", "det thresholds recognizer tuning"),
    ("latency", "Speed", "speed"),
    ("why", "Causes", "causes"),
    ("compared", "Variants compared", "pairs"),
    ("listen", "Missed words", "missed words"),
)
"""Sections of each route: id, title and parts."""


@dataclass(frozen=True)
class Section:
    """A section of the page, with the names of its plots, tables and other parts."""

    id: str
    title: str
    parts: Sequence[str]


def render_field(record: FieldRecord, folder: Path) -> Path:
    """Write field.html and a CSV for each table; the same record gives the same bytes.

    The page embeds the pictures of missed words that are in the folder, and links to their sounds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    every = field_tables(record)
    tables = {name: table for name, table in every.items() if len(table.frame)}
    too_long = [table for table in tables.values() if len(table.frame) > MOST_ROWS]
    plots: dict[str, Plot] = {}
    confusions: dict[str, list[Matrix]] = {}
    missed: dict[str, list[MissedWord]] = {}
    says: dict[str, list[str]] = {}
    routes = by_route(record)
    for route, variants in routes:
        used = {variant.title: used_point(variant, record.threshold) for variant in variants}
        plots |= det_plots(f"{route}-det", every[f"{route}-det"].frame, used)
        confusions[f"{route}-confusion"] = matrices(variants)
        missed[f"{route}-missed"] = words = missed_words(variants, folder)
        says[f"{route}-thresholds"] = tuning_sentences(variants)
        says[f"{route}-latency"] = slow_sentences(variants)
        says[f"{route}-listen"] = [listening_sentence(variants, len(words))]
    says["not-counted"] = not_counted_sentences(record, "not-counted" in tables)
    long = [f"{one.title} ({len(one.frame):,} rows)" for one in too_long if one.columns[0].header]
    if long:
        says["not-counted"].append(f"Too long for this page, as CSV only: {', '.join(long)}.")
    sections = [Section("faults", "Failures", ["faults"])]
    of_all = []
    for route, _ in routes:
        suffix = f" ({ROUTES[route].lower()})" if len(routes) > 1 else ""
        of_all += [f"{route}-reference", f"{route}-segments"]
        for name, title, parts in _ROUTE_SECTIONS:
            of_route = [f"{route}-{part}" for part in parts.split()]
            sections.append(Section(f"{route}-{name}", title + suffix, of_route))
    sections += [
        Section("clip", "Command mode", ["clip-overview"]),
        Section("not-counted", "Not counted", ["not-counted", "notes"]),
        Section("provenance", "Provenance", [*of_all, "plan", "environment"]),
    ]
    contents = {*tables, *plots}
    started = record.run.get("started", "")
    return write_page(
        "field.html.j2",
        folder / PAGE,
        title=f"Earshot in the field: {record.board.title}, {started[:10]}".rstrip(", "),
        sentences=headline(record),
        basis=basis(record),
        board=record.board,
        started=fmt.utc(started),
        sections=[one for one in sections if one.id == "not-counted" or contents.intersection(one.parts)],
        says=says,
        tables=page_tables({name: table for name, table in tables.items() if table not in too_long}),
        plots=plots,
        confusions=confusions,
        missed=missed,
        open=OPEN,
        files=write_csvs(tables.values(), folder),
    )

"""The page of a field run, and its tables as CSV."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records.field_record import FieldRecord, FieldVariant
from harness.report import format as fmt
from harness.report.comparisons import Matrix
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.field_plots import field_plots
from harness.report.pages.field_rates import ROUTES, by_route, matrices
from harness.report.pages.field_tables import field_tables, lost_something
from harness.report.pages.field_verdict import basis, headline, slow_sentences
from harness.report.pages.missed_words import OPEN, TOP, MissedWord, listening_sentence, missed_words
from harness.report.plot import Plot

PAGE = "field.html"
MOST_ROWS = 1000
"""Rows of a table on the page; longer tables are in their CSV only."""


@dataclass(frozen=True)
class Route:
    """The parts of a route's sections that are neither tables nor plots."""

    name: str
    title: str
    speed: list[str]
    listening: str
    losses: str
    matrices: list[Matrix]
    missed: list[MissedWord]


def render_field(record: FieldRecord, folder: Path) -> Path:
    """Write field.html and a CSV for each table; the same record gives the same bytes.

    Args:
        record: the run.
        folder: its folder, created if missing. The page embeds the pictures of missed words that are in it,
            and links to their sounds.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    every = field_tables(record)
    tables = {name: table for name, table in every.items() if len(table.frame)}
    too_long = [table for name, table in tables.items() if len(table.frame) > MOST_ROWS]
    routes: list[Route] = []
    plots: dict[str, Plot] = {}
    for route, variants in by_route(record):
        routes.append(_route(record, route, variants, folder))
        frames = {name: every[f"{route}-{name}"].frame for name in ("conditions", "det", "words")}
        plots |= field_plots(route, **frames, threshold=record.threshold)
    started = record.run.get("started", "")
    return write_page(
        "field.html.j2",
        folder / PAGE,
        title=f"Earshot in the field: {record.board.title}, {started[:10]}".rstrip(", "),
        sentences=headline(record),
        basis=basis(record),
        board=record.board,
        started=f"{fmt.date_time(started)} UTC" if started else "",
        sections=_sections(routes, [*tables, *plots]),
        routes=routes,
        tables=page_tables({name: table for name, table in tables.items() if table not in too_long}),
        plots=plots,
        open=OPEN,
        top=TOP,
        threshold_y=f"{TOP - record.threshold * TOP / 255:.1f}",
        too_long=[table for table in too_long if not table.name.endswith("-det")],
        files=write_csvs(tables.values(), folder),
    )


def _route(record: FieldRecord, route: str, variants: Sequence[FieldVariant], folder: Path) -> Route:
    missed = missed_words(record, variants, folder)
    lossy = sum(lost_something(segment) for variant in variants for segment in variant.segments)
    return Route(
        name=route,
        title=ROUTES[route],
        speed=slow_sentences(variants),
        listening=listening_sentence(variants, len(missed)),
        losses=f"{fmt.plural(lossy, 'segment')} with lost or clipped audio or lost records."
        if lossy
        else "No segment lost audio or records, and none was clipped.",
        matrices=matrices(variants),
        missed=missed,
    )


_SECTIONS = (
    ("overview", "At a glance", ("overview",)),
    ("rates", "Distance and noise", ("conditions",)),
    ("words", "Labels and speakers", ("labels",)),
    ("thresholds", "False accepts and thresholds", ("thresholds",)),
    ("latency", "Speed and delay", ("speed", "delay")),
    ("why", "Causes", ("causes",)),
    ("compared", "Variants compared", ("pairs",)),
    ("listen", "Missed words", ("words",)),
)
"""Sections of each route: id, title, and the tables or plots of which a section needs one."""


def _sections(routes: Sequence[Route], contents: Container[str]) -> list[tuple[str, str, str]]:
    """Return id, title and route of each section that has contents: names of tables and plots."""
    found = []
    for route in routes:
        of_route = f"({route.title.lower()})" if len(routes) > 1 else ""
        for section, title, needed in _SECTIONS:
            if any(f"{route.name}-{name}" in contents for name in needed):
                found.append((f"{route.name}-{section}", title, of_route))
    if "clip-overview" in contents:
        found.append(("clip", "Command mode", ""))
    return [*found, ("not-counted", "Not counted", ""), ("provenance", "Provenance", "")]

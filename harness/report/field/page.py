"""The page of a field run, the same in Markdown, and its tables as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from harness.records.field_record import FieldRecord, FieldVariant
from harness.records.record import RunRecord
from harness.report import format as figures
from harness.report.field import accuracy, alarms, causes, circumstances, speed
from harness.report.field import exclusions as left_out
from harness.report.field import missed_words as listen
from harness.report.field import word_table as words
from harness.report.field.confusion import Matrix, confusion_table, matrices
from harness.report.field.headline import basis, headline
from harness.report.field.names import ROUTES
from harness.report.field.pairs import pairs_table
from harness.report.field.plots import field_plots
from harness.report.html import PageTable, page_template, write_text
from harness.report.markdown import markdown
from harness.report.pages.run_tables import environment_table
from harness.report.plots import Plot
from harness.report.table import Table
from harness.report.variants import time_is

PAGE, MARKDOWN = "field.html", "field.md"

MOST_ROWS = 1000
"""Of a table on the page and in the Markdown; longer ones are in their CSV only."""


@dataclass(frozen=True)
class Route:
    """What was heard on one route, as the template needs it.

    Attributes:
        name, title: of the route.
        speed: what is said of the latency.
        listening: what is said of the missed words.
        matrices: of confusions.
        misses: the words that can be listened to.
    """

    name: str
    title: str
    speed: list[str]
    listening: list[str]
    matrices: list[Matrix]
    misses: list[listen.Miss]


def render_field(record: FieldRecord, folder: Path) -> Path:
    """Writes field.html, field.md and a CSV for each table into a folder.

    The same record gives the same bytes. Clips and pictures are those that `missed_clips` left
    folder; the page takes in the pictures, and links to the sounds.

    Args:
        record: the run.
        folder: its folder; made when it is not there.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    heard = by_route(record)
    tables = field_tables(record)
    det = {f"{route}-det": alarms.det_frame(variants) for route, variants in heard}
    frames = {name: table.frame for name, table in tables.items()} | det
    frames = {name: frame for name, frame in frames.items() if len(frame)}
    for name, frame in frames.items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    sentences = headline(record, heard)
    started = record.run.get("started", "")
    title = f"Earshot in the field: {record.board.title}, {started[:10]}".rstrip(", ")
    readable = {name: table for name, table in tables.items() if 0 < len(table.frame) <= MOST_ROWS}
    too_long = [table for table in tables.values() if len(table.frame) > MOST_ROWS]
    named = _titled(readable.values(), [route for route, _ in heard])
    write_text(folder / MARKDOWN, markdown(title, [*sentences, *basis(record, heard)], named))
    routes = [_route(record, route, variants, folder) for route, variants in heard]
    html = page_template("field.html.j2").render(
        title=title,
        sentences=sentences,
        basis=basis(record, heard),
        board=record.board,
        started=f"{started[:16].replace('T', ' ')} UTC" if started else "",
        contents=_contents(routes, tables),
        routes=routes,
        tables={name: PageTable(table) for name, table in readable.items()},
        plots=_plots(tables, det, record.threshold),
        open=listen.OPEN,
        threshold_y=f"{64 - record.threshold * 64 / 255:.1f}",
        too_long=[(table.title, f"{table.name}.csv", figures.count(len(table.frame))) for table in too_long],
        nothing_left_out=_nothing_left_out(tables),
        files=[MARKDOWN, *(f"{name}.csv" for name in frames)],
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def by_route(record: FieldRecord) -> list[tuple[str, list[FieldVariant]]]:
    """The variants that were played something in a stream, by route, those that were not left out."""
    found = []
    for route in ("pcm", "acoustic"):
        variants = [one for one in record.variants if one.route == route and one.segments]
        if variants:
            found.append((route, variants))
    return found


def field_tables(record: FieldRecord) -> dict[str, Table]:
    """All tables by the name of their CSV, in reading order; those of a route begin with its name."""
    tables = [left_out.faults_table(record)]
    for route, variants in by_route(record):
        of_route = [
            accuracy.overview_table(variants),
            circumstances.conditions_table(variants, record.conditions),
            circumstances.margins_table(variants, record.conditions),
            accuracy.labels_table(variants),
            confusion_table(variants),
            circumstances.speakers_table(variants),
            alarms.false_accepts_table(variants),
            alarms.operating_table(variants, record.threshold),
            alarms.strays_table(variants),
            speed.latency_table(variants, time_is(record.board)),
            speed.delays_table(variants),
            causes.causes_table(variants),
            causes.front_ends_table(variants),
            pairs_table(variants),
            words.words_table(variants),
            left_out.left_out_table(variants),
            left_out.losses_table(variants),
            left_out.reference_table(variants),
            left_out.segments_table(variants),
        ]
        tables += [replace(table, name=f"{route}-{table.name}") for table in of_route]
    with_clips = [variant for variant in record.variants if variant.clips]
    tables += [words.clips_table(with_clips), words.clip_words_table(with_clips)]
    tables += [left_out.excluded_table(record), left_out.notes_table(record), left_out.plan_table(record)]
    night = RunRecord(record.run, record.code, record.environment, record.board, [])
    tables.append(environment_table(night))
    return {table.name: table for table in tables}


def _titled(tables: Iterable[Table], routes: Sequence[str]) -> list[Table]:
    """The tables, those of several routes with their route in the title, as no heading says it."""
    names = {f"{route}-": f" · {ROUTES[route].lower()}" for route in routes if len(routes) > 1}
    return [
        replace(table, title=table.title + "".join(names[one] for one in names if table.name.startswith(one)))
        for table in tables
    ]


def _route(record: FieldRecord, route: str, variants: Sequence[FieldVariant], folder: Path) -> Route:
    found = listen.misses(record, variants, folder)
    return Route(
        name=route,
        title=ROUTES[route],
        speed=speed.latency_sentences(variants),
        listening=_listening(listen.missed_words(variants), len(found), len(variants)),
        matrices=matrices(variants),
        misses=found,
    )


def _listening(missed: int, cut: int, variants: int) -> list[str]:
    """How many words were missed, and how many of them can be listened to."""
    if not missed:
        return ["Every word was heard as what it is, by every variant."]
    words_were = "1 word was" if missed == 1 else f"{figures.count(missed)} words were"
    if cut == missed:
        here = "here it is" if missed == 1 else "here is each of them"
    elif cut:
        here = f"here are {figures.count(cut)} of them, some of every condition, label and cause"
    else:
        here = "none of them was cut out to be listened to"
    sentence = f"{words_were} not heard as what they are by some variant: {here}."
    if variants > listen.TINTS and cut:
        sentence += f" Drawn are the scores of the first {listen.TINTS} variants that missed a word."
    return [sentence]


def _contents(routes: Sequence[Route], tables: dict[str, Table]) -> list[tuple[str, str]]:
    """The sections that the page has, by their ids."""
    found = []
    for route in routes:
        of_route = f" ({route.title.lower()})" if len(routes) > 1 else ""
        for section, text, needed in _SECTIONS:
            if not needed or any(len(tables[f"{route.name}-{name}"].frame) for name in needed):
                found.append((f"{route.name}-{section}", text + of_route))
    if len(tables["clip-overview"].frame):
        found.append(("clip", "Command mode"))
    return [*found, ("left-out", "Left out and lost"), ("provenance", "Can it be believed")]


_SECTIONS = (
    ("overview", "At a glance", ()),
    ("conditions", "Distance and noise", ("conditions",)),
    ("labels", "By label", ()),
    ("alarms", "False accepts", ()),
    ("speed", "Speed and delay", ("latency", "delays")),
    ("why", "Why", ("causes", "front-ends")),
    ("pairs", "Variants compared", ("pairs",)),
    ("listen", "Listen", ()),
)
"""Of each route: id, what the contents call it, and the tables of which it needs one."""


def _nothing_left_out(tables: dict[str, Table]) -> str:
    lists = [
        table
        for name, table in tables.items()
        if name.split("-", 1)[-1] in ("excluded", "left-out", "losses")
    ]
    if any(len(table.frame) for table in lists):
        return ""
    return "Nothing: every recording was played, every word counts, and no record and no audio was lost."


def _plots(tables: dict[str, Table], det: dict[str, pd.DataFrame], threshold: int) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for name, points in det.items():
        route = name.removesuffix("-det")
        conditions, heard = tables[f"{route}-conditions"].frame, tables[f"{route}-words"].frame
        plots |= field_plots(route, conditions, points, heard, threshold)
    return plots

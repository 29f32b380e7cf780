"""HTML pages from templates, and tables in the form that templates need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from harness import format as fmt
from harness.files import write_atomic
from harness.report.table import Cell, Column, Table

_SHORT_TEXT = 28
"""Characters; columns of longer texts may wrap."""


@cache
def page_template(name: str) -> Template:
    """Load a template of harness/report/templates/."""
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quoted"] = quote  # escapes colons, so that no link has a scheme
    environment.globals["fmt"] = fmt
    return environment.get_template(name)


def write_page(template: str, path: Path, **values: Any) -> Path:
    """Render a template into a file and return its path.

    Templates that import parts.html.j2 need `tables` (see `page_tables`) and `plots`.
    """
    write_text(path, page_template(template).render(**values))
    return path


def write_csvs(tables: Iterable[Table], folder: Path) -> list[str]:
    """Write the raw values of each table and return the names of the files."""
    names = []
    for table in tables:
        names.append(f"{table.name}.csv")
        write_text(folder / names[-1], table.csv())
    return names


def write_text(path: Path, text: str) -> None:
    """Write text atomically; characters that UTF-8 lacks become question marks."""
    write_atomic(text.encode(errors="replace"), path)


def page_tables(tables: Mapping[str, Table]) -> dict[str, PageTable]:
    """Prepare the tables that have rows and shown columns."""
    return {
        name: PageTable(table)
        for name, table in tables.items()
        if len(table.frame) and any(column.header for column in table.columns)
    }


class PageCell(NamedTuple):
    """A cell; `rows` is the number of rows it spans, 0 where a cell above spans it."""

    column: Column
    cell: Cell
    rows: int
    style: str


class PageTable:
    """A table as templates need it.

    Each row has the `heading` above the first of the rows that share it, a `tone` and `cells`.
    """

    def __init__(self, table: Table) -> None:
        self.name, self.title, self.note, self.cards = table.name, table.title, table.note, table.cards
        columns, rows = table.shown()
        spans = _spans(rows, table.groups)
        styles = [_style(column, [row[index].text for row in rows]) for index, column in enumerate(columns)]
        first = 1 if table.headed else 0
        self.columns = list(zip(columns, styles, strict=True))[first:]
        self.groups = [
            (group, len(list(those))) for group, those in groupby(column.group for column in columns[first:])
        ]
        self.rows = [
            {
                "heading": row[0].text if table.headed and span[0] else "",
                "tone": table.tone(index),
                "cells": [PageCell(*item) for item in zip(columns, row, span, styles, strict=True)][first:],
            }
            for index, (row, span) in enumerate(zip(rows, spans, strict=True))
        ]


def _style(column: Column, texts: list[str]) -> str:
    if column.figure:
        return "figure"
    return "short" if max(map(len, texts), default=0) <= _SHORT_TEXT else "long"


def _spans(rows: Sequence[Sequence[Cell]], groups: int) -> list[list[int]]:
    """Merge adjacent cells of the first columns where the rows are equal up to that column."""
    texts = [[cell.text for cell in row] for row in rows]
    spans = [[1] * len(row) for row in rows]
    for column in range(groups):
        first = 0
        for index in range(1, len(rows)):
            if texts[index][: column + 1] == texts[first][: column + 1]:
                spans[first][column] += 1
                spans[index][column] = 0
            else:
                first = index
    return spans

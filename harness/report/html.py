"""What every page is made with: templates, tables as the templates need them, files that are never half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from harness.files import write_atomic
from harness.report.table import Cell, Column, Table

_SHORT_TEXT = 28
"""Characters; longer texts may wrap."""


@cache
def page_template(name: str) -> Template:
    """A template of harness/report/templates/.

    Those that take macros from parts.html.j2 are given `tables`, with values of `PageTable`, and `plots`.
    """
    loader = PackageLoader("harness.report")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["quoted"] = quote  # no scheme can come out of it: a colon is escaped
    return environment.get_template(name)


def write_text(path: Path, text: str) -> None:
    """Write a page or a table atomically; characters that UTF-8 lacks become question marks."""
    write_atomic(text.encode(errors="replace"), path)


@dataclass(frozen=True)
class _PageCell:
    """A cell as the template needs it; `rows` is how many rows it spans, 0 where one above spans it."""

    column: Column
    cell: Cell
    rows: int
    style: str


@dataclass(frozen=True)
class _PageRow:
    """A row as the template needs it; `heading` stands above it, where it is the first that it holds for."""

    heading: str
    tone: str
    cells: list[_PageCell]


class PageTable:
    """A table as the template needs it.

    Args:
        table: what is shown.
    """

    def __init__(self, table: Table) -> None:
        self.name, self.title, self.note = table.name, table.title, table.note
        columns, rows = table.shown()
        spans = _spans(rows, table.groups)
        styles = [_style(column, [row[index].text for row in rows]) for index, column in enumerate(columns)]
        first = 1 if table.headed else 0
        self.columns = list(zip(columns, styles, strict=True))[first:]
        groups = groupby(columns[first:], lambda column: column.group)
        self.groups = [(name, len(list(those))) for name, those in groups]
        self.rows = [
            _PageRow(
                heading=row[0].text if table.headed and span[0] else "",
                tone=table.tone(index),
                cells=[_PageCell(*item) for item in zip(columns, row, span, styles, strict=True)][first:],
            )
            for index, (row, span) in enumerate(zip(rows, spans, strict=True))
        ]


def _style(column: Column, texts: list[str]) -> str:
    """The CSS class of a column: figures flush right, short texts on one line, long ones may wrap."""
    if column.figure:
        return "figure"
    return "short" if max(map(len, texts), default=0) <= _SHORT_TEXT else "long"


def _spans(rows: Sequence[Sequence[Cell]], groups: int) -> list[list[int]]:
    """How many rows each cell spans: a grouping one covers the rows below that are alike up to its column."""
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

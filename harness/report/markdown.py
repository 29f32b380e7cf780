"""A night's tables as Markdown (GitHub's), for pull requests and terminals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from harness.report.table import Cell, Column, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")


def markdown(title: str, sentences: Sequence[str], tables: Sequence[Table]) -> str:
    """The whole page: heading, headline, and the tables that have rows.

    Args:
        title: the heading.
        sentences: the headline.
        tables: in reading order.
    """
    parts = [f"# {escaped(title)}", escaped(" ".join(sentences))]
    parts += [_section(table) for table in tables if len(table.frame)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """`text` with nothing in it that Markdown or HTML would take for markup, on one line."""
    return _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;")).replace("\n", "<br>")


def _section(table: Table) -> str:
    columns, rows = table.shown()
    columns, rows = _without_drawings(columns, rows)
    lines = [
        [escaped(column.full_header) for column in columns],
        ["---:" if column.figure else "---" for column in columns],
        *([_cell(column, cell) for column, cell in zip(columns, row, strict=True)] for row in rows),
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    note = f"\n\n{escaped(table.note)}" if table.note else ""
    return f"## {escaped(table.title)}\n\n{text}{note}"


def _without_drawings(columns: list[Column], rows: list[list[Cell]]) -> tuple[list[Column], list[list[Cell]]]:
    """Without the columns that are drawn only, which a text cannot show."""
    kept = [index for index, column in enumerate(columns) if column.mark != "interval"]
    return [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _cell(column: Column, cell: Cell) -> str:
    if column.mark == "link":
        return f"[{escaped(cell.text)}]({quote(cell.text)})"
    return escaped(cell.text)

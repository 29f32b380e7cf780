"""Tables as GitHub's Markdown, for chats and pull requests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.report.table import Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")


def markdown(title: str, sentences: Sequence[str], tables: Sequence[Table]) -> str:
    """Render a heading, sentences, and the tables that have rows."""
    parts = [f"# {escaped(title)}", escaped(" ".join(sentences))]
    parts += [_section(table) for table in tables if len(table.frame)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Escape everything that Markdown or HTML would take for markup, and put the text on one line."""
    return _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;")).replace("\n", "<br>")


def _section(table: Table) -> str:
    columns, rows = table.shown()
    # Columns drawn as intervals have no text; their numbers are in other columns.
    kept = [index for index, column in enumerate(columns) if column.mark != "interval"]
    lines = [
        [escaped(columns[index].full_header) for index in kept],
        ["---:" if columns[index].figure else "---" for index in kept],
        *([escaped(row[index].text) for index in kept] for row in rows),
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    note = f"\n\n{escaped(table.note)}" if table.note else ""
    return f"## {escaped(table.title)}\n\n{text}{note}"

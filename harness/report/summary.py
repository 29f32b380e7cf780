"""A night in a few lines of a terminal."""

from __future__ import annotations

import textwrap

from harness.records.record import RunRecord
from harness.report.headline import headline
from harness.report.provenance import faults_table
from harness.report.table import Table
from harness.report.tables import all_tables

_WIDTH = 110


def summary_text(record: RunRecord) -> str:
    """The headline, the table with one row for each variant, and the faults; no trailing newline."""
    tables = all_tables(record)
    parts = [textwrap.fill(" ".join(headline(record, tables)), _WIDTH), _aligned(tables["overview"])]
    for variant, failure, message in faults_table(record).frame.itertuples(index=False):
        parts.append(textwrap.fill(f"{variant}: {failure}: {message}", _WIDTH, subsequent_indent="  "))
    return "\n\n".join(part for part in parts if part)


def _aligned(table: Table) -> str:
    """The table in columns of plain text, figures flush right."""
    columns, rows = table.shown()
    if not rows:
        return ""
    lines = [[column.header for column in columns], *([cell.text for cell in row] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column.figure else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    )

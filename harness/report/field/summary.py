"""A field run in a few lines of a terminal."""

from __future__ import annotations

import textwrap

from harness.records.field_record import FieldRecord
from harness.report.field.exclusions import faults_table
from harness.report.field.headline import headline
from harness.report.field.page import by_route

_WIDTH = 110


def summary_text(record: FieldRecord) -> str:
    """The verdict, what stands behind it line by line, and the faults; no trailing newline."""
    verdict, *others = headline(record, by_route(record))
    lines = [textwrap.fill(verdict, _WIDTH)]
    lines += [
        textwrap.fill(sentence, _WIDTH, initial_indent="  ", subsequent_indent="    ") for sentence in others
    ]
    for variant, _, failure, message in faults_table(record).frame.itertuples(index=False):
        lines.append(textwrap.fill(f"{variant}: {failure}: {message}", _WIDTH, subsequent_indent="  "))
    return "\n".join(lines)

"""The page of a study and its figures as CSV, and its summary for the terminal."""

from __future__ import annotations

from pathlib import Path

from harness.records.study import RECORD, StudyRecord
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.study_plots import study_plot
from harness.report.pages.study_tables import linux_table, means_table, sentences

PAGE = "study.html"


def summary_text(record: StudyRecord) -> str:
    """Return question, comparisons and main table in short for a terminal, without a trailing newline."""
    table, shown = linux_table(record), "process_peak_bytes mean_us peak_watts joules"
    if not table.rows:
        table, shown = means_table(record), "parameters remaining_parameters operations before low failed"
    lines = [f"{record.title}. {record.question}", *sentences(record), ""]
    return "\n".join([*lines, table.short(f"series x seed accuracy {shown}").aligned()])


def render_study(record: StudyRecord, folder: Path) -> Path:
    """Write study.html and its tables as CSV, and return the path of the page; the bytes are reproducible."""
    tables, plot = [linux_table(record), means_table(record)], study_plot(record)
    tables = [table for table in tables if table.rows]
    return write_page(
        "study.html.j2",
        folder / PAGE,
        title=f"Earshot: {record.title}",
        record=record,
        sentences=sentences(record),
        failures=[(point.title, point.failure.message) for point in record.points if point.failure],
        tables=page_tables({table.name: table for table in tables}),
        plots={"study": plot} if plot else {},
        files=[RECORD, *write_csvs(tables, folder)],
    )

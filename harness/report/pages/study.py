"""Write the page of a study and its figures as CSV."""

from __future__ import annotations

from pathlib import Path

from harness.records.study import RECORD, StudyRecord
from harness.report.html import page_tables, write_csvs, write_page
from harness.report.pages.study_plots import study_plot
from harness.report.pages.study_tables import linux_table, means_table, sentences

PAGE = "study.html"


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

"""Write the page of a study and its figures as CSV."""

from __future__ import annotations

from pathlib import Path

from harness.records.study import RECORD, StudyRecord
from harness.report.html import PageTable, page_template, write_text
from harness.report.pages.study_plots import study_plot
from harness.report.pages.study_tables import comparison_table, means_table, points_table, sentences

PAGE = "study.html"


def render_study(record: StudyRecord, folder: Path) -> Path:
    """Write study.html and the CSVs, and return the path of the page; the bytes are reproducible.

    Args:
        record: the study.
        folder: folder for the files; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = [comparison_table(record), means_table(record), points_table(record)]
    for table in tables:
        write_text(folder / f"{table.name}.csv", table.csv())
    plot = study_plot(record)
    html = page_template("study.html.j2").render(
        title=f"Earshot: {record.title}",
        record=record,
        sentences=sentences(record),
        failures=[(point.title, point.failure.message) for point in record.points if point.failure],
        tables={table.name: PageTable(table) for table in tables[:2] if table.rows},
        plots={"study": plot} if plot is not None else {},
        files=[RECORD, *(f"{table.name}.csv" for table in tables)],
    )
    write_text(folder / PAGE, html)
    return folder / PAGE

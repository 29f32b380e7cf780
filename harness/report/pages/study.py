"""Write the page of a study and its figures as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.records.study import RECORD, StudyRecord, read_study
from harness.report.html import PageTable, page_template, write_text
from harness.report.pages.study_plots import study_plot
from harness.report.pages.study_tables import comparison_table, means_table, points_table, sentences
from harness.report.plot import Plot

PAGE = "study.html"


@dataclass(frozen=True)
class Section:
    """A study as a part of another page.

    Attributes:
        name, title, question: those of the study.
        sentences: comparisons with the reference.
        plot: None if there is nothing to show.
        page: page of the study.
    """

    name: str
    title: str
    question: str
    sentences: list[str]
    plot: Plot | None
    page: Path


def sections(folder: Path) -> list[Section]:
    """Read the studies below a folder, sorted by name.

    Args:
        folder: folder such as reports/studies/; it may be missing.

    Raises:
        UsageError: a record is damaged; see `harness.records.study.read_study`.
    """
    found = []
    for path in sorted(folder.glob(f"*/{RECORD}")):
        record = read_study(path)
        plot, page = study_plot(record), path.parent / PAGE
        found.append(Section(record.name, record.title, record.question, sentences(record), plot, page))
    return found


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

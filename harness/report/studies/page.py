"""The folder of a study: its page, its plot as a picture, its figures as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from harness.records.study import RECORD, StudyRecord, read_study
from harness.report.html import PageTable, page_template, write_text
from harness.report.plots import Plot
from harness.report.studies.plots import study_plot
from harness.report.studies.tables import means_table, points_frame
from harness.report.studies.verdicts import judgments, sentences, verdicts_table

PAGE, PICTURE = "study.html", "study.svg"


@dataclass(frozen=True)
class Section:
    """A study as a part of another page.

    Attributes:
        name, title, question: the study's.
        verdicts: a sentence for each of its claims.
        plot: None where there is nothing to show.
        page: of the study, in its folder.
    """

    name: str
    title: str
    question: str
    verdicts: list[str]
    plot: Plot | None
    page: Path


def sections(folder: Path) -> list[Section]:
    """The studies that lie in a folder, by name.

    Args:
        folder: with a folder for each study, such as reports/studies/. It need not be there.

    Raises:
        UsageError: a record is damaged; see `harness.records.study.read_study`.
    """
    found = []
    for path in sorted(folder.glob(f"*/{RECORD}")):
        record = read_study(path)
        verdicts = sentences(judgments(record))
        page = path.parent / PAGE
        found.append(Section(record.name, record.title, record.question, verdicts, study_plot(record), page))
    return found


def render_study(record: StudyRecord, folder: Path) -> Path:
    """Writes study.html, study.svg and the CSVs into a folder; the same record gives the same bytes.

    Args:
        record: the study.
        folder: where the files go; made when it is not there.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = judgments(record)
    means, verdicts, points = means_table(record), verdicts_table(found), points_frame(record)
    frames = {"points": points, means.name: means.frame, verdicts.name: verdicts.frame}
    for name, frame in frames.items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    plot = study_plot(record)
    if plot is not None:
        write_text(folder / PICTURE, _picture(plot))
    html = page_template("study.html.j2").render(
        title=f"Earshot: {record.title}",
        record=record,
        sentences=sentences(found),
        failures=[(point.title, point.failure.message) for point in record.points if point.failure],
        tables={table.name: PageTable(table) for table in (verdicts, means) if len(table.frame)},
        plots={"study": plot} if plot is not None else {},
        files=[RECORD, *(f"{name}.csv" for name in frames), *([PICTURE] if plot is not None else [])],
    )
    write_text(folder / PAGE, html)
    return folder / PAGE


def _picture(plot: Plot) -> str:
    """The wide plot as a file of its own, with the page's colors."""
    style = files("harness.report").joinpath("templates", "page.css").read_text(encoding="utf-8")
    start, rest = plot.svgs[0].split(">", 1)
    start = start.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"')
    return f"{start}><style>{style} svg {{ background: var(--paper); }}</style>{rest}\n"

"""A night's report: one self-contained HTML page, the same in Markdown, and the tables as CSV."""

from __future__ import annotations

from pathlib import Path

from harness.records.record import RunRecord
from harness.report.family.page import PAGE as FAMILY_PAGE
from harness.report.family.page import is_family, render_family
from harness.report.headline import MANY, headline
from harness.report.html import PageTable, page_template, write_text
from harness.report.markdown import markdown
from harness.report.plots import all_plots
from harness.report.recordings import PAGE as RECORDINGS_PAGE
from harness.report.tables import all_series, all_tables
from harness.report.variants import time_is

PAGE, MARKDOWN = "report.html", "report.md"


def render(record: RunRecord, folder: Path) -> Path:
    """Writes report.html, report.md and a CSV for each table and series into a folder.

    Of a night over a family its page is written too, see `harness.report.family`; to that of the recordings,
    which needs them, leads a link where it is there, see `harness.report.recordings`.

    The same record gives the same bytes. Links to transcripts are relative: they hold when `folder` is the
    night's own.

    Args:
        record: the night.
        folder: where the files go; made when it is not there.

    Returns:
        The path of the HTML page.
    """
    tables, series = all_tables(record), all_series(record)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in {**{table.name: table.frame for table in tables.values()}, **series}.items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    sentences = headline(record, tables)
    started = record.run.get("started", "")
    title = f"Earshot: {record.board.title}, {started[:10]}".rstrip(", ")
    write_text(folder / MARKDOWN, markdown(title, sentences, list(tables.values())))
    family = is_family([record])
    if family:
        render_family({folder: record}, folder)
    html = page_template("page.html.j2").render(
        title=title,
        sentences=sentences,
        board=record.board,
        started=f"{started[:16].replace('T', ' ')} UTC" if started else "",
        clock=time_is(record.board),
        family=FAMILY_PAGE if family else "",
        recordings=RECORDINGS_PAGE if (folder / RECORDINGS_PAGE).is_file() else "",
        folded=len(record.variants) > MANY,
        tables={name: PageTable(table) for name, table in tables.items() if len(table.frame)},
        plots=all_plots(tables, series),
        files=[MARKDOWN, *(f"{name}.csv" for name in (*tables, *series))],
    )
    write_text(folder / PAGE, html)
    return folder / PAGE

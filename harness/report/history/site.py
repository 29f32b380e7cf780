"""The site: an index, a page for each series, lists of nights by year. It works from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.records.verdict import RunVerdict
from harness.regression.baseline import Baseline
from harness.regression.history import History
from harness.regression.nights import Night
from harness.report.history.boards import BoardHistory, board_history
from harness.report.history.index_page import RECENT, board_view, headline
from harness.report.history.links import INDEX, Links
from harness.report.history.nights_page import nights_page
from harness.report.history.plots import Plots
from harness.report.history.series_page import series_page
from harness.report.history.tables import noise_table, series_frame
from harness.report.html import PageTable, page_template, write_text

_SERIES = "series.csv"


def render_history(
    history: History,
    baselines: Mapping[str, Baseline],
    folder: Path,
    recorded: Mapping[str, RunVerdict] | None = None,
) -> Path:
    """Write the site and return the path of its index; the same history gives the same bytes.

    Args:
        history: nights of any number of boards.
        baselines: by board name; the last night of each board is judged by it.
        folder: folder for the pages; made if missing.
        recorded: verdicts of records by board name, shown for boards without a baseline.
    """
    folder.mkdir(parents=True, exist_ok=True)
    boards = _boards(history.nights, baselines, recorded or {})
    links = Links.of(folder, history.records, boards)
    for board in boards:
        _write_board(board, links)
    noise, noise_said = noise_table(boards)
    tables = {noise.name: PageTable(noise)} if len(noise.frame) else {}
    frames = {_SERIES: series_frame(boards)} if boards else {}
    frames |= {f"{noise.name}.csv": noise.frame} if tables else {}
    for name, found in frames.items():
        write_text(folder / name, found.to_csv(index=False, lineterminator="\n"))
    html = page_template("history.html.j2").render(
        title="Earshot: history",
        headline=headline(boards),
        boards=[board_view(board, links) for board in boards],
        recent=RECENT,
        tables=tables,
        plots={},
        noise_said=noise_said,
        left_out=history.left_out,
        files=list(frames),
    )
    write_text(folder / INDEX, html)
    return folder / INDEX


def _boards(
    nights: Sequence[Night], baselines: Mapping[str, Baseline], recorded: Mapping[str, RunVerdict]
) -> list[BoardHistory]:
    boards = []
    for name in sorted({night.board for night in nights}):
        own = [night for night in nights if night.board == name]
        history = [night for night in nights if night.board == name or night.uid == own[-1].uid]
        boards.append(board_history(own, baselines.get(name), history=history, said=recorded.get(name)))
    return boards


def _write_board(board: BoardHistory, links: Links) -> None:
    folder = links.board(board)
    folder.mkdir(exist_ok=True)
    plots = Plots(board, lambda number: links.night(board, number))
    shown = [None, *board.series, None]
    for before, series, after in zip(shown, board.series, shown[2:], strict=False):
        page = series_page(board, series, plots, links, (before, after))
        write_text(folder / links.pages[board.name, series.name], page)
    for year in sorted({night.started[:4] for night in board.nights}):
        write_text(folder / f"nights-{year}.html", nights_page(board, year, links))

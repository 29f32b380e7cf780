"""Write the history as a static site: an index, and for each board a page per series and a list of nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.records.verdict import RunVerdict
from harness.regression.baseline import Baseline
from harness.regression.history import History
from harness.regression.nights import Night
from harness.report.html import write_text
from harness.report.pages.history_data import BoardHistory, board_history
from harness.report.pages.history_index import index_page, noise_table, series_table
from harness.report.pages.history_links import NIGHTS, Links, board_folder, night_anchor, series_file
from harness.report.pages.history_plots import Plots
from harness.report.pages.history_series import nights_page, series_page

INDEX = "index.html"


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
    links = Links(folder, history.records)
    for board in boards:
        _write_board(board, links)
    noise = noise_table(boards)
    write_text(folder / INDEX, index_page(boards, links, noise, history.left_out))
    write_text(folder / "series.csv", series_table(boards).csv())
    write_text(folder / "noise.csv", noise.csv())
    return folder / INDEX


def _boards(
    nights: Sequence[Night], baselines: Mapping[str, Baseline], recorded: Mapping[str, RunVerdict]
) -> list[BoardHistory]:
    boards = []
    for name in sorted({night.board for night in nights}):
        own = [night for night in nights if night.board == name]
        history = [night for night in nights if night.board == name or night.uid == own[-1].uid]
        boards.append(board_history(own, baselines.get(name), history=history, recorded=recorded.get(name)))
    return boards


def _write_board(board: BoardHistory, links: Links) -> None:
    folder = links.folder / board_folder(board.name)
    folder.mkdir(exist_ok=True)
    plots = Plots(board, night_anchor)
    around = [None, *board.series, None]
    for before, series, after in zip(around, board.series, around[2:], strict=False):
        page = series_page(board, series, plots, links, (before, after))
        write_text(folder / series_file(series.name), page)
    write_text(folder / NIGHTS, nights_page(board, links))

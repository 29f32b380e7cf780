"""The site: an index, a page for each series, lists of nights by year. It works from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records.record import VerdictRow
from harness.regression.baseline import Baseline
from harness.regression.nights import Night, clock_problem, merge
from harness.report.history.boards import BoardHistory, board_history
from harness.report.history.index_page import RECENT, board_view, headline
from harness.report.history.links import INDEX, Links
from harness.report.history.nights_page import nights_page
from harness.report.history.plots import Plots
from harness.report.history.series_page import series_page
from harness.report.history.tables import noise_table, series_frame
from harness.report.html import PageTable, page_template, write_text

_SERIES = "series.csv"


@dataclass(frozen=True)
class LeftOut:
    """A file or a night that is no part of the history.

    Attributes:
        what: its path or name.
        sentence: why, and what to do.
    """

    what: str
    sentence: str


def render_history(
    nights: Sequence[Night],
    baselines: Mapping[str, Baseline],
    folder: Path,
    *,
    records: Mapping[str, Path],
    said: Mapping[str, VerdictRow],
    left_out: Sequence[LeftOut] = (),
) -> Path:
    """Writes the site; the same history gives the same bytes.

    Args:
        nights: of any number of boards, in any order.
        baselines: by the name of the board; the last night of each is judged by it as it is now.
        folder: where the pages go; made when it is not there.
        records: the files of nights by their ids, which the pages link to.
        said: what records say, by the ids of nights; shown of boards without a baseline.
        left_out: what could not be read, or is contradicted.

    Returns:
        The path of the index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    boards, unusable = _boards(nights, baselines, said)
    links = Links.of(folder, records, boards)
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
        left_out=[*left_out, *unusable],
        files=list(frames),
    )
    write_text(folder / INDEX, html)
    return folder / INDEX


def _boards(
    nights: Sequence[Night], baselines: Mapping[str, Baseline], said: Mapping[str, VerdictRow]
) -> tuple[list[BoardHistory], list[LeftOut]]:
    merged = merge(nights)
    used = {night.id for night in merged.nights}
    unusable = [
        LeftOut(f"night {night.id}", f"{clock_problem(night)}: set the host's clock (NTP).")
        for night in nights
        if night.id not in used and clock_problem(night)
    ]
    unusable += [
        LeftOut(
            f"night {id}",
            "Two records have this id and different content: keep the one that the bench wrote.",
        )
        for id in sorted(merged.conflicts)
    ]
    boards = []
    for name in sorted({night.board for night in merged.nights}):
        own = [night for night in merged.nights if night.board == name]
        history = [night for night in merged.nights if night.board == name or night.uid == own[-1].uid]
        verdict = said.get(own[-1].id)
        boards.append(board_history(own, baselines.get(name), history=history, said=verdict))
    return boards, unusable


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

"""Write the history as a static site: an index, and for each board a page per series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup, escape

from harness import format as fmt
from harness.files import file_name
from harness.records.verdict import RunVerdict
from harness.regression.baseline import Baseline
from harness.regression.history import History
from harness.regression.sentences import acceptance, count_statuses
from harness.regression.specimens import compare_specimens
from harness.report.html import page_tables, write_csvs, write_page, write_text
from harness.report.pages.history_data import BoardHistory, Series, board_history
from harness.report.pages.history_plots import series_plot
from harness.report.pages.history_tables import (
    badge,
    link,
    link_files,
    nights_csv,
    nights_table,
    series_table,
    specimens_table,
    with_code,
)
from harness.report.table import Column, Table
from harness.report.variants import calibration_note

INDEX = "index.html"


def render_history(
    history: History,
    baselines: Mapping[str, Baseline],
    folder: Path,
    recorded: Mapping[str, RunVerdict] | None = None,
) -> Path:
    """Write the site and return the path of its index; the same history gives the same bytes.

    The last night of each board is judged by its baseline. `recorded` are the verdicts in the last records,
    shown for boards without a baseline.
    """
    boards = []
    for name in sorted({night.board for night in history.nights}):
        own = [night for night in history.nights if night.board == name]
        alike = [night for night in history.nights if night.board == name or night.uid == own[-1].uid]
        verdict = (recorded or {}).get(name)
        boards.append(board_history(own, baselines.get(name), history=alike, recorded=verdict))
    tables = {f"series-{board.name}": series_table(board) for board in boards}
    if differences := compare_specimens(history.nights):
        tables["specimens"] = specimens_table(differences)
    if history.left_out:
        tables["left-out"] = _left_out_table(history)
    write_csvs(tables.values(), folder)
    for board in boards:
        write_text(folder / file_name(board.name) / "nights.csv", nights_csv(board))
        for series in board.series:
            _write_series(board, series, history.records, folder / file_name(board.name))
    return write_page(
        "history.html.j2",
        folder / INDEX,
        title="Earshot: history",
        headline="; ".join(f"{board.name}: {_headline(board)}" for board in boards),
        boards=boards,
        sentence=_sentence,
        failures=_failures,
        calibration=calibration_note,
        benches=_benches,
        files=lambda board: link_files(history.records.get(board.nights[-1].id), folder),
        badge=badge,
        tables=page_tables(tables),
        plots={},
    )


def _write_series(board: BoardHistory, series: Series, records: Mapping[str, Path], folder: Path) -> None:
    plot = series_plot(board, series)
    write_page(
        "history-series.html.j2",
        folder / f"{file_name(series.name)}.html",
        title=f"Earshot: {series.name} on {board.name}",
        board=board.name,
        series=series,
        badge=badge,
        sentence=with_code(series.verdict.sentence) if series.verdict else "",
        tables=page_tables({"nights": nights_table(board, series, records, folder)}),
        plots={"nights": plot} if plot else {},
    )


def _headline(board: BoardHistory) -> str:
    """Summarize the last night of a board: "1 regressed"."""
    if _has_no_reference(board):
        return "nothing accepted yet"
    plain = "as accepted" if board.verdict.status == "ok" else board.verdict.status
    return count_statuses(board.verdict.series) or plain


def _has_no_reference(board: BoardHistory) -> bool:
    statuses = {item.status for item in board.verdict.series}
    return statuses == {"new"} and not (board.baseline and board.baseline.epoch)


def _sentence(board: BoardHistory) -> Markup:
    """Return the sentence of the last night, with a link to the series that it names."""
    if _has_no_reference(board):
        bench = board.nights[-1].bench
        name = board.name.removesuffix(f" of {bench}")  # the bench's own, see `told_apart`
        place = "" if name == board.name else f" on {bench}"
        return with_code(
            f"No night of {board.name} was accepted yet. Accept one without uncommitted changes{place} with "
            f"{acceptance(name)}."
        )
    sentence = with_code(board.verdict.sentence)
    for series in board.series:
        if series.verdict and series.verdict.sentence in board.verdict.sentence:
            address = f"{file_name(board.name)}/{file_name(series.name)}.html"
            return sentence.replace(escape(str(series.name)), link(series.name, address), 1)
    return sentence


def _benches(board: BoardHistory) -> str:
    """Return the benches of a board with their numbers of nights, unless the records name none."""
    counted = Counter(night.bench for night in board.nights if night.bench)
    return ", ".join(f"{bench} ({fmt.plural(number, 'night')})" for bench, number in counted.items())


def _failures(board: BoardHistory) -> list[str]:
    """Return the sentences on variants that failed, which have no series."""
    return [item.sentence for item in board.verdict.series if item.name.is_variant]


def _left_out_table(history: History) -> Table:
    return Table(
        "left-out",
        "Left out",
        [Column("path", "File"), Column("sentence", "Reason and remedy")],
        [{"path": str(one.path), "sentence": one.sentence} for one in history.left_out],
        "None of these is part of any figure above.",
    )

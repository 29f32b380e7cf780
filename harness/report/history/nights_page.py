"""A board's nights of one year, the latest first, with all that is kept of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from harness.records.verdict import STATUSES
from harness.report.history.boards import BoardHistory
from harness.report.history.links import Links
from harness.report.history.words import night_time
from harness.report.html import page_template


@dataclass(frozen=True)
class NightRow:
    """A night."""

    number: int
    time: str
    status: str
    said: str
    commit: str
    dirty: bool
    canary: str
    files: list[tuple[str, str]]


def nights_page(board: BoardHistory, year: str, links: Links) -> str:
    """The page of a year that has nights."""
    years = list(dict.fromkeys(night.started[:4] for night in board.nights))
    numbers = [number for number, night in enumerate(board.nights) if night.started[:4] == year]
    return page_template("history-nights.html.j2").render(
        title=f"Earshot: nights of {year} on {board.name}",
        board=board.name,
        year=year,
        years=[(other, f"nights-{other}.html") for other in years],
        nights=[_row(board, number, links) for number in reversed(numbers)],
        has_canary=bool(np.isfinite(board.canary_us[numbers]).any()),
    )


def _row(board: BoardHistory, number: int, links: Links) -> NightRow:
    night = board.nights[number]
    counts = Counter(judged.status for judged in night.judged.values())
    if number == len(board.nights) - 1:
        counts = Counter(item.status for item in board.verdict.series)
    told = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    first, last = board.canary_us[number] / 1000
    return NightRow(
        number=number,
        time=night_time(night.started),
        status=board.statuses[number],
        said=night.fault or told or "not judged",
        commit=night.commit[:10],
        dirty=night.dirty,
        canary="" if first != first and last != last else f"{first:,.3f} → {last:,.3f}".replace("nan", "–"),
        files=links.files(night, links.board(board)),
    )

"""The page of a series: what is said of it, its nights as plots, its levels, and what was accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from harness.report.history.boards import BoardHistory
from harness.report.history.events import events
from harness.report.history.links import Links
from harness.report.history.plots import Plots
from harness.report.history.series import Series
from harness.report.history.sparklines import legend
from harness.report.history.words import amount, change, change_text, night_time, whole, with_code
from harness.report.html import page_template

_NOTABLE = 30
"""Latest nights that were not as expected, in the table."""
_QUIET = ("", "ok", "new")


@dataclass(frozen=True)
class LevelRow:
    """A new level."""

    day: str
    address: str
    before: str
    after: str
    change: str
    commits: str
    beside: str


@dataclass(frozen=True)
class NightRow:
    """A night that was not as expected."""

    time: str
    address: str
    status: str
    value: str
    commit: str
    files: list[tuple[str, str]]


def series_page(
    board: BoardHistory, series: Series, plots: Plots, links: Links, beside: Sequence[Series | None]
) -> str:
    """The page.

    Args:
        board: whose series it is.
        series: what is shown.
        plots: of the board.
        links: of the site.
        beside: the series before and after it, None at the ends.
    """
    last = board.nights[-1]
    return page_template("history-series.html.j2").render(
        title=f"Earshot: {series.name} on {board.name}",
        board=board.name,
        series=series,
        sentence=with_code(series.verdict.sentence) if series.verdict else "",
        advisory=bool(series.verdict and series.verdict.advisory),
        facts=_facts(board, series),
        plots=plots.of(series),
        levels=list(reversed(_levels(board, series, links))),
        bisect=_bisect(board, series),
        accepted=_accepted(board, series, links),
        notable=_notable(board, series, links),
        legend=legend(_statuses(series)),
        year_page=links.year_page(last),
        beside=[(one.name, links.pages[board.name, one.name]) if one else None for one in beside],
    )


def _facts(board: BoardHistory, series: Series) -> list[tuple[str, str]]:
    last = board.nights[-1]
    measured = last.times.get(series.name)
    facts = [("Last night", whole(series.latest, series)), ("Against the accepted", change(series))]
    if measured and measured.value_us and measured.p99_us and measured.max_us:
        by_canary = series.values[-1] / measured.value_us if series.kind == "time" else 1.0
        facts.append(("p99", amount(measured.p99_us * by_canary, series)))
        facts.append(("Longest", amount(measured.max_us * by_canary, series)))
    facts.append(("Nights", f"{int(np.isfinite(series.values).sum()):,}"))
    return facts


def _levels(board: BoardHistory, series: Series, links: Links) -> list[LevelRow]:
    named = {event.night: event.sentence for event in events(board, series)}
    rows = []
    bounds = [0, *series.levels, series.values.size]
    for start, night, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        old, new = _median(series, start, night), _median(series, night, end)
        share = ""
        if series.kind != "text" and old:
            share = change_text(series.kind, new, old, series.name)
        rows.append(
            LevelRow(
                day=board.nights[night].started[:10],
                address=links.night(board, night),
                before=_value(board, series, night - 1, old, back=True),
                after=_value(board, series, night, new),
                change=share,
                commits=_between(_commits(board, series, night)),
                beside=named.get(night, ""),
            )
        )
    return rows


def _median(series: Series, start: int, end: int) -> float:
    part = np.where(series.comparable, series.values, np.nan)[start:end]
    return float(np.nanmedian(part)) if np.isfinite(part).any() else float("nan")


def _value(board: BoardHistory, series: Series, night: int, level: float, *, back: bool = False) -> str:
    """A level as text; of a text the one of that night, or of the one before it that has any."""
    if series.kind != "text":
        return amount(level, series)
    while back and night > 0 and series.name not in board.nights[night].exact:
        night -= 1
    return whole(board.nights[night].exact.get(series.name), series)


def _commits(board: BoardHistory, series: Series, night: int) -> list[str]:
    """The last commit of the old level and the first of the new one; one if they are the same."""
    before = np.flatnonzero(series.comparable[:night])
    old = board.nights[int(before[-1])].commit if before.size else ""
    return list(dict.fromkeys(commit for commit in (old, board.nights[night].commit) if commit))


def _between(commits: Sequence[str]) -> str:
    """Commits as a range; of a level that changed within one commit that, which says: it was not the code."""
    short = [commit[:10] for commit in commits]
    return " … ".join(short) if len(short) != 1 else f"{short[0]}, as before"


def _bisect(board: BoardHistory, series: Series) -> Markup | str:
    """The command that finds the commit of the latest change, where a modeled board has one."""
    if not series.levels or not board.nights[-1].modeled:
        return ""
    commits = _commits(board, series, series.levels[-1])
    if len(commits) < 2:
        return ""
    return with_code(
        f"Which commit it was: `earshot bisect {commits[0][:10]} {commits[1][:10]} --series {series.name}`."
    )


def _accepted(board: BoardHistory, series: Series, links: Links) -> list[tuple[str, str, str, str, str]]:
    """Acceptances of this series, the latest first: when, epoch, reference, why, the night's address."""
    found = []
    for epoch in board.baseline.epochs if board.baseline else ():
        times, exact = epoch.times.get(series.name), epoch.exact.get(series.name)
        reference = whole(times.reference_us if times else exact, series)
        own = [one for one in epoch.accepted if str(series.name) in one.series or one is epoch.accepted[0]]
        for one in own:
            number = board.numbers.get(one.night)
            address = links.night(board, number) if number is not None else ""
            latest = one is own[-1]  # the file has the reference in force only
            found.append(
                (night_time(one.at), f"{epoch.number}", reference if latest else "", one.reason, address)
            )
    return list(reversed(found))


def _notable(board: BoardHistory, series: Series, links: Links) -> list[NightRow]:
    numbers = [number for number, status in enumerate(series.statuses) if status not in _QUIET]
    rows = []
    for number in reversed(numbers[-_NOTABLE:]):
        night = board.nights[number]
        value = series.values[number]
        rows.append(
            NightRow(
                time=night_time(night.started),
                address=links.night(board, number),
                status=series.statuses[number],
                value=_value(board, series, number, value),
                commit=night.commit[:10] + (" with changes" if night.dirty else ""),
                files=links.files(night, links.board(board)),
            )
        )
    return rows


def _statuses(series: Series) -> list[str]:
    """Those that the plots have, for the legend, in the order in which they first appear."""
    return list(dict.fromkeys(status for status in series.statuses if status))

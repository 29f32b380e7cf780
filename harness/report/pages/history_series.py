"""Build the page of a series and the page of a board's nights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from harness.records.verdict import STATUSES
from harness.regression.nights import Night
from harness.report import format as fmt
from harness.report.html import page_template
from harness.report.pages.history_data import BoardHistory, Series
from harness.report.pages.history_links import NIGHTS, Links, board_folder, night_anchor, series_file
from harness.report.pages.history_plots import Plots, legend
from harness.report.pages.history_text import (
    Cell,
    Grid,
    amount,
    badge,
    change,
    change_text,
    link,
    whole,
    with_code,
)

_NOTABLE = 30
"""Rows of the table of nights that stood out."""
_QUIET = ("", "ok", "new")


def series_page(
    board: BoardHistory, series: Series, plots: Plots, links: Links, neighbors: Sequence[Series | None]
) -> str:
    """Render the page of a series.

    Args:
        board: board of the series.
        series: shown series.
        plots: plots of the board.
        links: addresses of the site.
        neighbors: the series before and after this one, None at the ends.
    """
    drawn = {} if series.kind == "text" else {"nights": plots.draw(series)}
    return page_template("history-series.html.j2").render(
        title=f"Earshot: {series.name} on {board.name}",
        board=board.name,
        series=series,
        sentence=with_code(series.verdict.sentence) if series.verdict else "",
        advisory=bool(series.verdict and series.verdict.advisory),
        facts=_facts(board, series),
        plots=drawn,
        tables={},
        legend=Markup(legend(series.statuses) if drawn else ""),
        levels=_levels(board, series),
        bisect=_bisect(board, series),
        accepted=_accepted(board, series),
        notable=_notable(board, series, links),
        nights=NIGHTS,
        neighbors=[(one.name, series_file(one.name)) if one else None for one in neighbors],
    )


def nights_page(board: BoardHistory, links: Links) -> str:
    """Render the page that lists a board's nights, the latest first."""
    columns = [
        ("Night, UTC", "short"),
        ("Gravest", ""),
        ("Series", "long"),
        ("Commit", "short"),
        ("Canary, ms", "figure"),
        ("Files", "short"),
    ]
    rows: list[Sequence[Cell]] = []
    for number, night in reversed([*enumerate(board.nights)]):
        counts = Counter(judged.status for judged in night.judged.values())
        if number == len(board.nights) - 1:
            counts = Counter(item.status for item in board.verdict.series)
        counted = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
        first, last = board.canary_us[number] / 1000
        canary = f"{first:,.3f} → {last:,.3f}".replace("nan", fmt.DASH)
        rows.append(
            [
                Markup('<span id="n{}">{}</span>').format(number, fmt.date_time(night.started)),
                badge(board.statuses[number]),
                night.fault or counted or "not judged",
                _commit(night),
                "" if np.isnan(first) and np.isnan(last) else canary,
                links.files(night, links.folder / board_folder(board.name)),
            ]
        )
    return page_template("history-nights.html.j2").render(
        title=f"Earshot: nights on {board.name}", board=board.name, nights=Grid("Nights", columns, rows)
    )


def _facts(board: BoardHistory, series: Series) -> list[tuple[str, str]]:
    measured = board.nights[-1].times.get(series.name)
    facts = [("Last night", whole(series.latest, series)), ("Against the accepted", change(series))]
    if measured and measured.value_us and measured.p99_us and measured.max_us:
        by_canary = series.values[-1] / measured.value_us if series.kind == "time" else 1.0
        facts.append(("p99", amount(measured.p99_us * by_canary, series)))
        facts.append(("Longest", amount(measured.max_us * by_canary, series)))
    return [*facts, ("Nights", fmt.count(int(np.isfinite(series.values).sum())))]


def _levels(board: BoardHistory, series: Series) -> Grid:
    wide = "long" if series.kind == "text" else "figure"
    columns = [("First night", "short"), ("Before", wide), ("After", wide), ("Change", "figure")]
    columns += [("Commits", "short"), ("That night", "long")]
    named = {event.night: event.sentence for event in board.events(series)}
    rows: list[Sequence[Cell]] = []
    bounds = [0, *series.levels, series.values.size]
    for start, night, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        old, new = _median(series, start, night), _median(series, night, end)
        changed = change_text(series.kind, new, old, series.name) if series.kind != "text" and old else ""
        row = [
            _night_link(board, night),
            _level(board, series, night - 1, old, back=True),
            _level(board, series, night, new),
            changed,
            _between(_commits(board, series, night)),
            named.get(night, ""),
        ]
        rows.insert(0, row)
    return Grid("Changes of level", columns, rows)


def _night_link(board: BoardHistory, number: int) -> Markup:
    return link(board.nights[number].started[:10], night_anchor(number))


def _median(series: Series, start: int, end: int) -> float:
    part = np.where(series.comparable, series.values, np.nan)[start:end]
    return float(np.nanmedian(part)) if np.isfinite(part).any() else float("nan")


def _level(board: BoardHistory, series: Series, night: int, level: float, *, back: bool = False) -> str:
    """Format a level; for a text the one of that night, or with `back` the last one before it."""
    if series.kind != "text":
        return amount(level, series)
    while back and night > 0 and series.name not in board.nights[night].exact:
        night -= 1
    return whole(board.nights[night].exact.get(series.name), series)


def _commits(board: BoardHistory, series: Series, night: int) -> list[str]:
    """Return the last commit of the old level and the first of the new one, or both as one if equal."""
    before = np.flatnonzero(series.comparable[:night])
    old = board.nights[int(before[-1])].commit if before.size else ""
    return list(dict.fromkeys(commit for commit in (old, board.nights[night].commit) if commit))


def _between(commits: Sequence[str]) -> str:
    short = [commit[:10] for commit in commits]
    return f"{short[0]}, as before" if len(short) == 1 else " … ".join(short)


def _bisect(board: BoardHistory, series: Series) -> Markup | str:
    """Return the command that finds the commit of the latest change on a modeled board."""
    if not series.levels or not board.nights[-1].modeled:
        return ""
    commits = [commit[:10] for commit in _commits(board, series, series.levels[-1])]
    if len(commits) < 2:
        return ""
    return with_code(f"Find the commit with `earshot bisect {' '.join(commits)} --series {series.name}`.")


def _accepted(board: BoardHistory, series: Series) -> Grid:
    wide = "long" if series.kind == "text" else "figure"
    columns = [
        ("When", "short"),
        ("Epoch", "figure"),
        ("Reference", wide),
        ("Why", "long"),
        ("Night", "short"),
    ]
    numbers = {night.id: number for number, night in enumerate(board.nights)}
    rows: list[Sequence[Cell]] = []
    for epoch in board.baseline.epochs if board.baseline else ():
        times, exact = epoch.times.get(str(series.name)), epoch.exact.get(str(series.name))
        reference = whole(times.reference_us if times else exact, series)
        own = [one for one in epoch.accepted if str(series.name) in one.series or one is epoch.accepted[0]]
        for one in own:
            night = _night_link(board, numbers[one.night]) if one.night in numbers else ""
            in_force = reference if one is own[-1] else ""  # the baseline has no earlier references
            rows.insert(0, [fmt.date_time(one.at), f"{epoch.number}", in_force, one.reason, night])
    return Grid("Accepted references", columns, rows)


def _notable(board: BoardHistory, series: Series, links: Links) -> Grid:
    wide = "long" if series.kind == "text" else "figure"
    columns = [
        ("Night, UTC", "short"),
        ("Status", ""),
        ("Value", wide),
        ("Commit", "short"),
        ("Files", "short"),
    ]
    numbers = [number for number, status in enumerate(series.statuses) if status not in _QUIET]
    rows: list[Sequence[Cell]] = []
    for number in reversed(numbers[-_NOTABLE:]):
        night = board.nights[number]
        rows.append(
            [
                link(fmt.date_time(night.started), night_anchor(number)),
                badge(series.statuses[number]),
                _level(board, series, number, series.values[number]),
                _commit(night),
                links.files(night, links.folder / board_folder(board.name)),
            ]
        )
    return Grid("Nights that stood out", columns, rows)


def _commit(night: Night) -> str:
    return night.commit[:10] + (" with changes" if night.dirty else "")

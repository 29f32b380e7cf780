"""The plot of a series over its nights: band, statuses, levels, epochs, and the canary beneath."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from harness.regression.exact import is_of_a_commit
from harness.report.history.boards import BoardHistory
from harness.report.history.events import Event, events
from harness.report.history.paths import area, line, mark, specks, steps
from harness.report.history.plot_layout import (
    DETAILED,
    LEFT,
    LETTER,
    RIGHT,
    TOP,
    WIDTHS,
    Backdrop,
    path,
    text,
)
from harness.report.history.scales import Scale, limits, tick_texts, ticks
from harness.report.history.series import Series
from harness.report.history.words import amount, unit_and_factor
from harness.report.plots import Plot

_RECENT = 90
"""Nights of the plot in detail, where there are more than one plot can show with a mark each."""
_PANEL, _TEXTS = 230, 90
"""Heights in px: of numbers, of texts."""
_RADIUS = 3.6
_PLAIN = ("", "ok", "new")
_WITHOUT_VALUE = ("broken", "missing")
"""Statuses that are shown at the bottom where there is no value."""


class Plots:
    """The plots of a board's series.

    Args:
        board: whose series they are.
        link: where a night is told of, by its number.
    """

    def __init__(self, board: BoardHistory, link: Callable[[int], str]) -> None:
        self._board, self._link = board, link
        nights = len(board.nights)
        firsts = {"nights": 0} if nights <= DETAILED else {"recent": nights - _RECENT, "nights": 0}
        self._backdrops = {
            name: [Backdrop(board, first, width) for width in WIDTHS] for name, first in firsts.items()
        }

    def of(self, series: Series) -> dict[str, Plot]:
        """All nights, and before them, where these are many, the latest in detail; each for all widths."""
        marked = events(self._board, series)
        return {name: self._plot(series, marked, backdrops) for name, backdrops in self._backdrops.items()}

    def _plot(self, series: Series, marked: Sequence[Event], backdrops: Sequence[Backdrop]) -> Plot:
        first = backdrops[0].first
        bounds = _limits(series, first)
        points = self._points(series, first) if backdrops[0].detailed else []
        svgs = [_Drawing(series, bounds, marked, points, backdrop).svg() for backdrop in backdrops]
        return Plot(svgs, _caption(series, first, bounds))

    def _points(self, series: Series, first: int) -> list[tuple[str, str]]:
        """Before and after the path of each night's mark: a link, and what it says."""
        found = []
        for number in range(first, len(self._board.nights)):
            night, status = self._board.nights[number], series.statuses[number]
            value = night.exact.get(series.name) if series.kind == "text" else series.values[number]
            said = f"{night.started[:16].replace('T', ' ')}: {amount(value, series)}"
            said += f", {status or 'not judged'}"
            if night.commit:
                said += f", commit {night.commit[:10]}{' with changes' if night.dirty else ''}"
            hollow = "" if series.comparable[number] else " hollow"
            kind = f"mark {status or 'unjudged'}{hollow}"
            before = f'<a href="{html.escape(self._link(number))}"><path class="{kind}" d="'
            found.append((before, f'"><title>{html.escape(said)}</title></path></a>'))
        return found


def _limits(series: Series, first: int) -> tuple[float, float]:
    """Where the axis of values begins and ends."""
    values = np.where(series.comparable, series.values, np.nan)[first:]
    if not np.isfinite(values).any():
        values = series.values[first:]
    accepted = series.accepted[first:]
    shown = [series.values[-1], *np.unique(accepted[np.isfinite(accepted)]).tolist()]
    edges = [first, *(night for night in series.levels if night > first), series.values.size]
    for start, end in pairwise(edges):
        level = series.values[start:end]
        if np.isfinite(level).any():
            shown.append(float(np.nanmedian(level)))
    if series.band is not None:
        bounds = np.concatenate([series.band.low_us[first:], series.band.high_us[first:]])
        there = bounds[np.isfinite(bounds)]
        if there.size:
            shown += np.percentile(there, [2, 98]).tolist()
    return limits(values, shown)


def _caption(series: Series, first: int, bounds: tuple[float, float]) -> str:
    values = series.values[first:]
    parts = [f"{values.size:,} night{'' if values.size == 1 else 's'}, side by side."]
    if series.kind == "time":
        parts.append("A point is the median of a night's blocks, divided by its canary.")
        if series.band is not None and np.isfinite(series.band.low_us[first:]).any():
            parts.append("Within the band the rule says nothing of a night.")
        else:
            parts.append("There is no band yet: a comparison needs five accepted nights.")
    elif series.kind == "modeled":
        parts.append("The clock is modeled and repeats exactly: a point is the mean of all samples.")
    elif series.kind == "number":
        parts.append("Any change is told.")
    elif is_of_a_commit(series.name):
        parts.append("It is another one with each commit, and has to be the same for one.")
    else:
        parts.append("Each text has a height of its own.")
    if np.isfinite(series.accepted[first:]).any():
        parts.append("Dashed: the accepted reference.")
    if any(night > first for night in series.levels) and series.kind == "time":
        parts.append("The line is the median of each level.")
    with np.errstate(invalid="ignore"):
        beyond = int(((values < bounds[0]) | (values > bounds[1])).sum())
    if beyond:
        lie = "nights lie" if beyond > 1 else "night lies"
        parts.append(f"{beyond} {lie} beyond the axis, drawn at its edge.")
    return " ".join(parts)


class _Drawing:
    """A plot for one width."""

    def __init__(
        self,
        series: Series,
        bounds: tuple[float, float],
        marked: Sequence[Event],
        points: Sequence[tuple[str, str]],
        backdrop: Backdrop,
    ) -> None:
        self._series, self._marked, self._texts, self._back = series, marked, points, backdrop
        self._first, self._px = backdrop.first, backdrop.width.px
        self._low, self._high = bounds
        self._bottom = TOP + (_TEXTS if series.kind == "text" else _PANEL)
        self._y = Scale(self._low, self._high, self._bottom, TOP)

    def svg(self) -> str:
        """The whole of it."""
        timed = self._series.kind in ("time", "modeled")
        beneath, height = self._back.with_canary if timed else self._back.without_canary
        values = self._series.values[self._first :]
        inside = self._y(np.clip(values, self._low, self._high))
        inside = np.where(self._untold(values), self._bottom - 6.0, inside)
        drawn = self._each(inside) if self._back.detailed else self._many(inside)
        points = [path("level", self._levels(values)), drawn]  # marks lie above the line, specks beneath it
        parts = [
            self._axis(),
            self._events(),
            self._expected(),
            *(points if self._back.detailed else points[::-1]),
            f'<g transform="translate(0 {self._bottom})">{beneath}</g>',
        ]
        label = html.escape(f"{self._series.name} over {values.size} nights")
        return (
            f'<svg class="{self._back.width.name} nights" viewBox="0 0 {self._px} {self._bottom + height:g}" '
            f'style="max-width:{self._px}px" role="img" aria-label="{label}">{"".join(parts)}</svg>'
        )

    def _untold(self, values: np.ndarray) -> np.ndarray:
        """Nights that have no value, and are told all the same; (count,)."""
        without = np.array([status in _WITHOUT_VALUE for status in self._series.statuses[self._first :]])
        return without & ~np.isfinite(values)

    def _axis(self) -> str:
        if self._series.kind == "text":
            return ""  # the tables beneath the plot have the texts
        unit, factor = unit_and_factor(self._series.name, self._high)
        found = ticks(self._low / factor, self._high / factor, 5)
        lines = [
            self._back.scale_line(self._y.at(value * factor), said)
            for value, said in zip(found, tick_texts(found), strict=True)
        ]
        return "".join(lines) + text(unit, LEFT - 8, TOP - 9, "unit", anchor="end")

    def _events(self) -> str:
        """Lines with a word each as far as there is room; the tables beneath the plot have all of them."""
        parts = []
        free_from = float(LEFT)
        for event in self._marked:
            if event.night < self._first or (event.night == self._first and self._first):
                continue
            x = self._back.x.at(event.night - self._first - 0.5)
            parts.append(path(f"event {event.kind}", f"M{x:.1f} {TOP - 4}V{self._bottom}", event.sentence))
            end = x + 4 + LETTER * len(event.name)
            if x >= free_from and end <= self._px:
                parts.append(text(event.name, x + 4, TOP - 9, "event-name"))
                free_from = end + 8
        return "".join(parts)

    def _expected(self) -> str:
        """The band, and the accepted reference."""
        series, back = self._series, self._back
        drawn = ""
        if series.band is not None:
            stride = max(1, back.count // (self._px - LEFT - RIGHT))
            low, high = (
                np.clip(self._y(edge[self._first :: stride]), TOP, self._bottom)
                for edge in (series.band.low_us, series.band.high_us)
            )
            drawn = path("band", area(back.across[::stride], low, high), "what the rule allows")
        accepted = series.accepted[self._first :]
        filled = np.concatenate([[np.nan], np.where(np.isfinite(accepted), accepted, -np.inf), [np.nan]])
        edges = np.flatnonzero(filled[1:] != filled[:-1])
        steps = [
            f"M{back.x.at(start - 0.5):.1f} {self._y.at(accepted[start]):.1f}H{back.x.at(end - 0.5):.1f}"
            for start, end in pairwise(edges.tolist())
            if np.isfinite(accepted[start])
        ]
        return drawn + path("accepted", "".join(steps), "the accepted reference")

    def _levels(self, values: np.ndarray) -> str:
        """The median of each level, and what joins them."""
        begins = [night - self._first for night in self._series.levels if night > self._first]
        if not begins:
            return ""
        parts: list[str] = []
        for start, end in pairwise([0, *begins, values.size]):
            level = values[start:end][np.isfinite(values[start:end])]
            if level.size:
                y = float(np.clip(self._y.at(float(np.median(level))), TOP, self._bottom))
                left, right = self._back.x.at(start - 0.5), self._back.x.at(end - 0.5)
                parts.append(f"{'L' if parts else 'M'}{left:.1f} {y:.1f}L{right:.1f} {y:.1f}")
        return "".join(parts)

    def _each(self, inside: np.ndarray) -> str:
        """A mark for each night, with what it says and a link, and what joins them."""
        joined = ""
        if self._series.kind == "time":
            joined = line(self._back.across, np.where(self._series.comparable[self._first :], inside, np.nan))
        statuses = self._series.statuses[self._first :]
        marks = [
            f"{before}{mark(status, x, y, _RADIUS)}{after}"
            for status, x, y, (before, after) in zip(
                statuses, self._back.across.tolist(), inside.tolist(), self._texts, strict=True
            )
            if y == y
        ]
        return path("trace", joined) + "".join(marks)

    def _many(self, inside: np.ndarray) -> str:
        """Specks, and marks for those that stood out."""
        statuses = self._series.statuses[self._first :]
        plain = np.array([status in _PLAIN for status in statuses])
        by_status: dict[str, list[str]] = {}
        for index in np.flatnonzero(~plain & np.isfinite(inside)).tolist():
            drawn = mark(statuses[index], float(self._back.across[index]), float(inside[index]), _RADIUS)
            by_status.setdefault(statuses[index], []).append(drawn)
        marks = [path(f"mark {status}", "".join(drawn), status) for status, drawn in by_status.items()]
        if self._series.kind == "time":
            return path("specks", specks(self._back.across[plain], inside[plain])) + "".join(marks)
        return path("trace", steps(self._back.across, inside)) + "".join(marks)

"""The plot of a series over its nights: band, statuses, levels, epochs, and the canary beneath."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.report.history.boards import BoardHistory
from harness.report.history.events import events
from harness.report.history.paths import area, line, mark, specks, thinned
from harness.report.history.scales import Scale, date_ticks, limits, tick_texts, ticks
from harness.report.history.series import Series
from harness.report.history.words import amount, unit_and_factor

DETAILED = 120
"""Nights up to which each has its own mark, with what it says and a link."""
_LEFT, _RIGHT, _TOP = 66, 12, 24
_PANEL, _TEXTS, _CANARY, _STRIP, _FOOT = 230, 90, 62, 16, 26
"""Heights in px: of the series, of one of texts, of the canary, of the commits, of the dates."""
_GAP = 18
_RADIUS = 3.6
_LETTER = 6.3
"""Mean width of a character, px."""


@dataclass(frozen=True)
class PlotWidth:
    """A width that a plot is drawn for, in px; `name` is the class by which the page shows one of them."""

    name: str
    px: int
    dates: int


WIDTHS = (PlotWidth("wide", 1008, 9), PlotWidth("narrow", 368, 4))


def series_plot(board: BoardHistory, series: Series, first: int, link: Callable[[int], str]) -> list[str]:
    """The plot from a night on, for each width.

    Args:
        board: whose series it is.
        series: what is drawn.
        first: number of the first night.
        link: where a night is told of, by its number.
    """
    return [_Plot(board, series, first, width, link).svg() for width in WIDTHS]


def outside(series: Series, first: int) -> int:
    """How many nights lie beyond the axis and are drawn at its edge."""
    low, high = _limits(series, first)
    values = series.values[first:]
    with np.errstate(invalid="ignore"):
        return int(((values < low) | (values > high)).sum())


def _limits(series: Series, first: int) -> tuple[float, float]:
    values = np.where(series.comparable, series.values, np.nan)[first:]
    shown = [series.values[-1], *series.accepted[first:]]
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
    if not np.isfinite(values).any():
        values = series.values[first:]
    return limits(values, shown)


class _Plot:
    """One width of it."""

    def __init__(
        self,
        board: BoardHistory,
        series: Series,
        first: int,
        width: PlotWidth,
        link: Callable[[int], str],
    ) -> None:
        self._board, self._series, self._first, self._width, self._link = board, series, first, width, link
        self._count = len(board.nights) - first
        self._detailed = self._count <= DETAILED
        self._x = Scale(-0.5, self._count - 0.5, _LEFT, width.px - _RIGHT)
        self._nights = np.arange(self._count)
        self._across = self._x(self._nights)
        self._bottom = _TOP + (_TEXTS if series.kind == "text" else _PANEL)
        self._low, self._high = _limits(series, first)
        self._y = Scale(self._low, self._high, self._bottom, _TOP)
        self._parts: list[str] = []

    def svg(self) -> str:
        self._values_axis()
        self._marks_of_epochs()
        self._series_itself()
        bottom = self._canary(self._bottom)
        if self._detailed:
            bottom = self._commits(bottom)
        height = bottom + _FOOT
        self._dates(bottom)
        description = f"{self._series.name} over {self._count} nights on {self._board.name}"
        return (
            f'<svg class="{self._width.name} nights" viewBox="0 0 {self._width.px} {height:g}" '
            f'style="max-width:{self._width.px}px" role="img" aria-label="{html.escape(description)}">'
            f"{''.join(self._parts)}</svg>"
        )

    def _path(self, kind: str, d: str, title: str = "") -> None:
        if d:
            inside = f"<title>{html.escape(title)}</title>" if title else ""
            self._parts.append(f'<path class="{kind}" d="{d}">{inside}</path>')

    def _text(self, text: str, x: float, y: float, kind: str = "", anchor: str = "start") -> None:
        style = f' class="{kind}"' if kind else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{html.escape(text)}</text>'
        )

    def _values_axis(self) -> None:
        if self._series.kind == "text":
            self._text("a line for each text", _LEFT, _TOP - 9, "unit")
            return
        unit, factor = unit_and_factor(self._series.name, self._high)
        found = ticks(self._low / factor, self._high / factor, 5)
        for value, text in zip(found, tick_texts(found), strict=True):
            y = self._y.at(value * factor)
            self._path("grid", f"M{_LEFT} {y:.1f}H{self._width.px - _RIGHT}")
            self._text(text, _LEFT - 8, y + 4, anchor="end")
        self._text(unit, _LEFT - 8, _TOP - 9, "unit", anchor="end")

    def _marks_of_epochs(self) -> None:
        """Lines where an epoch began, something was accepted, or the environment changed, as far as there
        is room with a word each; the tables beneath the plot have all of them."""
        free_from = float(_LEFT)
        for event in events(self._board, self._series):
            if event.night < self._first or (event.night == self._first and self._first):
                continue
            x = self._x.at(event.night - self._first - 0.5)
            self._path(f"event {event.kind}", f"M{x:.1f} {_TOP - 4}V{self._bottom}", event.sentence)
            end = x + 4 + _LETTER * len(event.name)
            if x >= free_from and end <= self._width.px:
                self._text(event.name, x + 4, _TOP - 9, "event-name")
                free_from = end + 8

    def _series_itself(self) -> None:
        series, first = self._series, self._first
        columns = self._width.px - _LEFT - _RIGHT
        if series.band is not None:
            low, high = series.band.low_us[first:], series.band.high_us[first:]
            stride = max(1, self._count // columns)
            lowest, highest = (np.clip(self._y(edge[::stride]), _TOP, self._bottom) for edge in (low, high))
            self._path("band", area(self._across[::stride], lowest, highest), "what the rule allows")
        self._path("accepted", self._steps(series.accepted[first:]), "the accepted reference")
        values = series.values[first:]
        self._path("level", self._levels(values))
        inside = self._y(np.clip(values, self._low, self._high))
        if self._detailed:
            self._path("trace", line(self._across, np.where(series.comparable[first:], inside, np.nan)))
        self._points(values, inside)

    def _steps(self, values: np.ndarray) -> str:
        """A horizontal line for each stretch of nights with the same value."""
        parts = []
        edges = np.flatnonzero(np.diff(values, prepend=np.nan, append=np.nan) != 0)
        for start, end in pairwise(edges.tolist()):
            if np.isfinite(values[start]):
                y = self._y.at(values[start])
                parts.append(f"M{self._x.at(start - 0.5):.1f} {y:.1f}H{self._x.at(end - 0.5):.1f}")
        return "".join(parts)

    def _levels(self, values: np.ndarray) -> str:
        """The median of each level, and what joins them."""
        begins = [night - self._first for night in self._series.levels if night > self._first]
        if not begins:
            return ""
        parts: list[str] = []
        for start, end in pairwise([0, *begins, values.size]):
            level = values[start:end][np.isfinite(values[start:end])]
            if level.size:
                y = float(np.clip(self._y.at(float(np.median(level))), _TOP, self._bottom))
                pen = "L" if parts else "M"
                parts.append(
                    f"{pen}{self._x.at(start - 0.5):.1f} {y:.1f}L{self._x.at(end - 0.5):.1f} {y:.1f}"
                )
        return "".join(parts)

    def _points(self, values: np.ndarray, inside: np.ndarray) -> None:
        series, first = self._series, self._first
        statuses = series.statuses[first:]
        if self._detailed:
            for index in self._nights:
                y = inside[index]
                if not np.isfinite(y):
                    if statuses[index] not in ("broken", "missing"):
                        continue
                    y = self._bottom - 6  # it has no value, and is told all the same
                self._point(int(index), statuses[index], float(y), values[index])
            return
        plain = np.array([status in ("", "ok", "new") for status in statuses])
        self._path("specks", specks(self._across[plain], inside[plain]))
        by_status: dict[str, list[str]] = {}
        for index in np.flatnonzero(~plain).tolist():
            y = inside[index] if np.isfinite(inside[index]) else self._bottom - 6
            drawn = mark(statuses[index], self._across[index], float(y), _RADIUS)
            by_status.setdefault(statuses[index], []).append(drawn)
        for status, marks in by_status.items():
            self._path(f"mark {status}", "".join(marks), status)

    def _point(self, index: int, status: str, y: float, value: float) -> None:
        night = self._board.nights[self._first + index]
        value_text = self._text_of(index) if self._series.kind == "text" else amount(value, self._series.name)
        said = f"{night.started[:16].replace('T', ' ')}: {value_text}, {status or 'not judged'}"
        commit = (
            f", commit {night.commit[:10]}{' with changes' if night.dirty else ''}" if night.commit else ""
        )
        hollow = "" if self._series.comparable[self._first + index] else " hollow"
        d = mark(status, float(self._across[index]), y, _RADIUS)
        self._parts.append(
            f'<a href="{html.escape(self._link(self._first + index))}">'
            f'<path class="mark {status or "unjudged"}{hollow}" d="{d}">'
            f"<title>{html.escape(said + commit)}</title></path></a>"
        )

    def _text_of(self, index: int) -> str:
        value = self._board.nights[self._first + index].exact.get(self._series.name, "")
        return amount(value, self._series.name)

    def _canary(self, above: float) -> float:
        """Both readings of each night and the accepted one; returns where the panel ends."""
        readings = self._board.canary_us[self._first :]
        if self._series.kind not in ("time", "modelled") or not np.isfinite(readings).any():
            return above
        top, bottom = above + _GAP, above + _GAP + _CANARY
        accepted = self._board.canary_accepted_us[self._first :]
        low, high = limits(readings.ravel(), [*readings[-1], *accepted[np.isfinite(accepted)][-1:]])
        scale = Scale(low, high, bottom, top)
        factor = 1000.0 if high >= 10_000 else 1.0
        found = ticks(low / factor, high / factor, 3)
        for value, text in zip(found, tick_texts(found), strict=True):
            y = scale.at(value * factor)
            self._path("grid", f"M{_LEFT} {y:.1f}H{self._width.px - _RIGHT}")
            self._text(text, _LEFT - 8, y + 4, anchor="end")
        self._text(f"canary, {'ms' if factor > 1 else 'µs'}", _LEFT, top - 4, "unit")
        for index in (0, 1):
            across, values = thinned(self._across, np.clip(readings[:, index], low, high), self._width.px)
            self._path(f"canary {('first', 'last')[index]}", line(across, scale(values)))
        return bottom

    def _commits(self, above: float) -> float:
        """A tick for each night whose commit was not measured on the night before."""
        y = above + 8
        before = self._board.nights[self._first - 1].commit if self._first else ""
        drawn = False
        for index in range(self._count):
            night = self._board.nights[self._first + index]
            if night.commit and night.commit != before:
                x = self._across[index]
                self._path("commit", f"M{x:.1f} {y:.1f}v8", f"commit {night.commit[:10]}")
                drawn = True
            before = night.commit or before
        if not drawn:
            return above
        self._text("commits", _LEFT - 8, y + 8, "unit", anchor="end")
        return above + _STRIP

    def _dates(self, bottom: float) -> None:
        starts = [night.started for night in self._board.nights[self._first :]]
        edge = self._width.px
        free_from = 0.0
        for index, text in date_ticks(starts, self._width.dates):
            x, half = self._x.at(index), _LETTER * len(text) / 2
            middle = min(max(x, half), edge - half)
            self._path("tick", f"M{x:.1f} {bottom + 2:.1f}v5")
            if middle - half >= free_from:
                self._text(text, middle, bottom + 21, anchor="middle")
                free_from = middle + half + 8

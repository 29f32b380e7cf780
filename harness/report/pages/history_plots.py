"""Draw the nights of a series: a plot with band, statuses, levels, events and canary, and a sparkline."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from harness.records.verdict import STATUSES
from harness.report import format as fmt
from harness.report.pages.history_data import BoardHistory, Series
from harness.report.pages.history_svg import (
    GLYPHS,
    Scale,
    area,
    date_ticks,
    limits,
    line,
    mark,
    path,
    steps,
    text,
    ticks,
)
from harness.report.pages.history_text import amount, unit_and_factor
from harness.report.plot import Plot

RECENT = 120
"""Nights of a sparkline and of a strip; up to so many nights each has its own mark in a plot."""
_WIDTH, _LEFT, _RIGHT, _TOP = 880, 66, 12, 24
_PANEL, _CANARY, _STRIP, _FOOT, _GAP = 230, 62, 16, 26, 18
"""Heights in px: of the values, of the canary, of the commits, of the dates, and between two panels."""
_LETTER = 6.3
"""Mean width of a character in px."""
_SPARK_WIDTH, _SPARK_HEIGHT, _EDGE = 180, 30, 5
_PLAIN = ("", "ok", "new")


class Plots:
    """The plots of a board's series; they share canary, commits and dates.

    Args:
        board: board of the series.
        link: returns the address of a night by its number.
    """

    def __init__(self, board: BoardHistory, link: Callable[[int], str]) -> None:
        self._board, self._link = board, link
        self._count = len(board.nights)
        self._x = Scale(-0.5, self._count - 0.5, _LEFT, _WIDTH - _RIGHT)
        self._across = self._x(np.arange(self._count))
        self._edges = self._x(np.arange(self._count + 1) - 0.5)
        canary, height = self._draw_canary()
        self._foot = self._draw_commits_and_dates(0.0)
        rest, bottom = self._draw_commits_and_dates(height)
        self._canary_and_foot = canary + rest, bottom

    def draw(self, series: Series) -> Plot:
        """Draw all nights of a series."""
        low, high = _axis(series)
        bottom = float(_TOP + _PANEL)
        y = Scale(low, high, bottom, _TOP)
        inside = y(np.clip(series.values, low, high))
        absent = np.array([status in ("broken", "missing") for status in series.statuses])
        inside[absent & ~np.isfinite(series.values)] = bottom - 6.0
        unit, factor = unit_and_factor(series.name, high)
        beneath, height = self._canary_and_foot if series.kind in ("time", "modeled") else self._foot
        parts = [
            *(_grid(y.at(value * factor), label) for value, label in ticks(low / factor, high / factor, 5)),
            text(unit, _LEFT - 8, _TOP - 9, "unit", anchor="end"),
            self._events(series, bottom),
            self._band(series, y, bottom),
            path("accepted", steps(self._edges, y(series.accepted)), "the accepted reference"),
            self._nights(series, inside),
            f'<g transform="translate(0 {bottom:g})">{beneath}</g>',
        ]
        label = html.escape(f"{series.name} over {self._count} nights")
        svg = (
            f'<svg class="nights" viewBox="0 0 {_WIDTH} {bottom + height:g}" role="img" '
            f'aria-label="{label}">{"".join(parts)}</svg>'
        )
        return Plot(svg, _caption(series, low, high))

    def _nights(self, series: Series, inside: np.ndarray) -> str:
        """Draw every night: many plain ones as specks, the others as marks with a title and a link."""
        detailed = self._count <= RECENT
        marked = np.array([detailed or status not in _PLAIN for status in series.statuses])
        marked &= np.isfinite(inside)
        marks = "".join(self._mark(series, number, inside[number]) for number in np.flatnonzero(marked))
        if series.kind != "time":
            return path("trace", steps(self._edges, inside)) + marks
        joined = line(self._across, np.where(series.comparable, inside, np.nan)) if detailed else ""
        plain = np.flatnonzero(~marked & np.isfinite(inside))
        places = zip(self._across[plain].tolist(), inside[plain].tolist(), strict=True)
        specks = "".join(f"M{across:.1f} {down:.1f}h0" for across, down in places)
        return path("trace", joined) + path("specks", specks) + self._levels(series, inside) + marks

    def _mark(self, series: Series, number: int, y: float) -> str:
        night, status = self._board.nights[number], series.statuses[number]
        title = f"{fmt.date_time(night.started)}: {amount(series.values[number], series)}"
        title += f", {status or 'not judged'}"
        if night.commit:
            title += f", commit {night.commit[:10]}{' with changes' if night.dirty else ''}"
        drawn = mark(
            status, float(self._across[number]), float(y), title, comparable=bool(series.comparable[number])
        )
        return f'<a href="{html.escape(self._link(number))}">{drawn}</a>'

    def _levels(self, series: Series, inside: np.ndarray) -> str:
        medians = np.full(inside.size, np.nan)
        for start, end in pairwise([0, *series.levels, inside.size]):
            level = inside[start:end]
            if series.levels and np.isfinite(level).any():
                medians[start:end] = np.nanmedian(level)
        return path("level", steps(self._edges, medians))

    def _band(self, series: Series, y: Scale, bottom: float) -> str:
        low, high = np.clip(y(series.allowed.T), _TOP, bottom)
        return path("band", area(self._across, low, high), "the range that the rule allowed")

    def _events(self, series: Series, bottom: float) -> str:
        """Draw a line per event, with its name where there is room."""
        parts = []
        free_from = float(_LEFT)
        for event in self._board.events(series):
            x = float(self._edges[event.night])
            parts.append(path(f"event {event.kind}", f"M{x:.1f} {_TOP - 4}V{bottom:g}", event.sentence))
            end = x + 4 + _LETTER * len(event.name)
            if x >= free_from and end <= _WIDTH:
                parts.append(text(event.name, x + 4, _TOP - 9, "event-name"))
                free_from = end + 8
        return "".join(parts)

    def _draw_canary(self) -> tuple[str, float]:
        """Draw both readings of each night, and return the height."""
        readings, accepted = self._board.canary_us, self._board.canary_accepted_us
        if not np.isfinite(readings).any():
            return "", 0.0
        low, high = limits(readings.ravel(), [*readings[-1], accepted[-1]])
        bottom = float(_GAP + _CANARY)
        y = Scale(low, high, bottom, _GAP)
        factor = 1000.0 if high >= 10_000 else 1.0
        parts = [
            *(_grid(y.at(value * factor), label) for value, label in ticks(low / factor, high / factor, 4)),
            text(f"canary, {'ms' if factor > 1 else 'µs'}", _LEFT, _GAP - 4, "unit"),
        ]
        for kind, column in zip(("canary first", "canary last"), readings.T, strict=True):
            parts.append(path(kind, line(self._across, y(np.clip(column, low, high)))))
        return "".join(parts), bottom

    def _draw_commits_and_dates(self, above: float) -> tuple[str, float]:
        """Draw a tick per new commit and the dates below `above` px, and return the whole height."""
        nights, parts = self._board.nights, []
        if self._count <= RECENT:
            before = ""
            for x, night in zip(self._across, nights, strict=True):
                if night.commit and night.commit != before:
                    parts.append(path("commit", f"M{x:.1f} {above + 8:g}v8", f"commit {night.commit[:10]}"))
                before = night.commit or before
            parts.append(text("commits", _LEFT - 8, above + 16, "unit", anchor="end"))
            above += _STRIP
        free_from = 0.0
        for number, label in date_ticks([night.started for night in nights], 9):
            half = _LETTER * len(label) / 2
            middle = min(max(float(self._across[number]), half), _WIDTH - half)
            parts.append(path("tick", f"M{self._across[number]:.1f} {above + 2:g}v5"))
            if middle - half >= free_from:
                parts.append(text(label, middle, above + 21, anchor="middle"))
                free_from = middle + half + 8
        return "".join(parts), above + _FOOT


def _grid(y: float, label: str) -> str:
    across = path("grid", f"M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}")
    return across + text(label, _LEFT - 8, y + 4, anchor="end")


def _axis(series: Series) -> tuple[float, float]:
    values = np.where(series.comparable, series.values, np.nan)
    shown = [series.values[-1], *series.accepted, *_medians(series.values, series.levels)]
    bounds = series.allowed[np.isfinite(series.allowed)]
    shown += np.percentile(bounds, [2, 98]).tolist() if bounds.size else []
    return limits(values if np.isfinite(values).any() else series.values, shown)


def _medians(values: np.ndarray, levels: Sequence[int]) -> list[float]:
    parts = [part[np.isfinite(part)] for part in np.split(values, list(levels))]
    return [float(np.median(part)) for part in parts if part.size]


def _caption(series: Series, low: float, high: float) -> str:
    parts = [f"Nights side by side: {series.values.size:,}."]
    if series.kind == "modeled":
        parts.append("The clock is modeled and repeats exactly; a point is the mean of all samples.")
    elif series.kind == "time":
        parts.append("A point is the median of a night's blocks, divided by its canary.")
        known = np.isfinite(series.allowed).any()
        band = (
            "The band is the range that the rule allowed." if known else "The rule has judged no night yet."
        )
        parts.append(band)
    if np.isfinite(series.accepted).any():
        parts.append("Dashed: the accepted reference.")
    if series.levels and series.kind == "time":
        parts.append("The line is the median of each level.")
    if beyond := int(((series.values < low) | (series.values > high)).sum()):
        parts.append(f"Nights beyond the axis, drawn at its edge: {beyond}.")
    return " ".join(parts)


def sparkline(series: Series) -> str:
    """Draw the latest nights of a series, its level changes, and its last status."""
    accepted = series.accepted[-1] if series.kind != "text" else np.nan
    there = np.flatnonzero(np.isfinite(series.values))
    status = series.statuses[there[-1]] if there.size else ""
    return draw_spark(series.values, accepted, series.levels, status, series.title)


def draw_spark(values: np.ndarray, accepted: float, levels: Sequence[int], status: str, title: str) -> str:
    """Draw the latest nights as a line of the height of a word.

    Args:
        values: (N,), NaN where missing.
        accepted: value of the line across; NaN for none.
        levels: numbers of the nights that begin a new level.
        status: status of the last night with a value.
        title: description for screen readers.
    """
    first = max(values.size - RECENT, 0)
    values, levels = values[first:], [night - first for night in levels if night > first]
    there = np.flatnonzero(np.isfinite(values))
    if not there.size:
        return ""
    low, high = limits(values, [*_medians(values, levels), accepted])
    y = Scale(low, high, _SPARK_HEIGHT - _EDGE, _EDGE)
    x = Scale(0, max(values.size - 1, 1), _EDGE, _SPARK_WIDTH - _EDGE)
    inside = y(np.clip(values, low, high))
    across = f"M{_EDGE} {y.at(accepted):.1f}H{_SPARK_WIDTH - _EDGE}" if np.isfinite(accepted) else ""
    upright = "".join(f"M{x.at(night - 0.5):.1f} 1V{_SPARK_HEIGHT - 1}" for night in levels)
    last = int(there[-1])
    parts = [
        path("accepted", across),
        path("levels", upright),
        path("line", line(x(np.arange(values.size)), inside)),
        mark(status, x.at(last), float(inside[last])),
    ]
    label = html.escape(f"{title}: {values.size} nights, {len(levels)} changes of level")
    return (
        f'<svg class="spark" viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def night_strip(statuses: Sequence[str]) -> str:
    """Draw the gravest status of each of the latest nights as a row of cells."""
    cells: dict[str, list[str]] = {}
    for number, status in enumerate(statuses[-RECENT:]):
        cells.setdefault(status or "unjudged", []).append(f"M{8 * number} 0h7v22h-7z")
    parts = [path(f"cell {status}", "".join(d)) for status, d in cells.items()]
    label = f"the gravest status of the last {len(statuses[-RECENT:])} nights"
    return (
        f'<svg class="strip" viewBox="0 0 {8 * RECENT} 22" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def legend(statuses: Sequence[str]) -> str:
    """List the marks of the statuses that a plot has; "" where every night is ok."""
    found = [status for status in STATUSES if status in statuses]
    items = (
        f'<li class="{status}"><span aria-hidden="true">{GLYPHS[status]}</span> {status}</li>'
        for status in found
    )
    return f'<ul class="legend">{"".join(items)}</ul>' if {*found} - {"ok"} else ""

"""What the plots of all series of a board share: the nights side by side, their canary, commits and dates."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.report.history.boards import BoardHistory
from harness.report.history.paths import line, thinned
from harness.report.history.scales import Scale, date_ticks, limits, tick_texts, ticks

LEFT, RIGHT, TOP = 66, 12, 24
"""Room for figures, for half a date, and for the names of epochs; px."""
DETAILED = 120
"""Nights up to which each has its own mark, with what it says and a link."""
LETTER = 6.3
"""Mean width of a character, px."""
_CANARY, _STRIP, _FOOT, _GAP = 62, 16, 26, 18
"""Heights in px: of the canary, of the commits, of the dates, and between two panels."""


@dataclass(frozen=True)
class PlotWidth:
    """A width that a plot is drawn for, in px; `name` is the class by which the page shows one of them."""

    name: str
    px: int
    dates: int


WIDTHS = (PlotWidth("wide", 1008, 9), PlotWidth("narrow", 368, 4))


def path(kind: str, d: str, title: str = "") -> str:
    """An SVG path of a class, nothing if there is nothing to draw."""
    inside = f"<title>{html.escape(title)}</title>" if title else ""
    return f'<path class="{kind}" d="{d}">{inside}</path>' if d else ""


def text(said: str, x: float, y: float, kind: str = "", anchor: str = "start") -> str:
    """A text in SVG."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{html.escape(said)}</text>'


class Backdrop:
    """The nights of a board from one on, for one width.

    Attributes:
        first: number of the first night.
        count: of nights.
        detailed: whether each of them has its own mark.
        x: from the number of a night, less `first`, to px.
        across: the px of each night, (count,).

    Args:
        board: whose nights.
        first: see above.
        width: what it is drawn for.
    """

    def __init__(self, board: BoardHistory, first: int, width: PlotWidth) -> None:
        self.first, self.width, self._board = first, width, board
        self.count = len(board.nights) - first
        self.detailed = self.count <= DETAILED
        self.x = Scale(-0.5, self.count - 0.5, LEFT, width.px - RIGHT)
        self.across = self.x(np.arange(self.count))

    @cached_property
    def with_canary(self) -> tuple[str, float]:
        """What stands beneath the panel of a time, from y = 0 on, and its height."""
        canary, height = self._canary()
        rest, more = self._commits_and_dates(height)
        return canary + rest, more

    @cached_property
    def without_canary(self) -> tuple[str, float]:
        """What stands beneath the panel of anything else, from y = 0 on, and its height."""
        return self._commits_and_dates(0.0)

    def scale_line(self, y: float, said: str) -> str:
        """A line across with its figure."""
        across = path("grid", f"M{LEFT} {y:.1f}H{self.width.px - RIGHT}")
        return across + text(said, LEFT - 8, y + 4, anchor="end")

    def _canary(self) -> tuple[str, float]:
        """Both readings of each night."""
        readings = self._board.canary_us[self.first :]
        if not np.isfinite(readings).any():
            return "", 0.0
        accepted = self._board.canary_accepted_us[self.first :]
        low, high = limits(readings.ravel(), [*readings[-1], *accepted[np.isfinite(accepted)][-1:]])
        bottom = float(_GAP + _CANARY)
        scale = Scale(low, high, bottom, _GAP)
        factor = 1000.0 if high >= 10_000 else 1.0
        found = ticks(low / factor, high / factor, 4)
        parts = [
            self.scale_line(scale.at(value * factor), said)
            for value, said in zip(found, tick_texts(found), strict=True)
        ]
        parts.append(text(f"canary, {'ms' if factor > 1 else 'µs'}", LEFT, _GAP - 4, "unit"))
        for kind, column in zip(("canary first", "canary last"), readings.T, strict=True):
            across, values = thinned(self.across, np.clip(column, low, high), self.width.px)
            parts.append(path(kind, line(across, scale(values))))
        return "".join(parts), bottom

    def _commits_and_dates(self, above: float) -> tuple[str, float]:
        commits = self._commits(above + 8) if self.detailed else ""
        bottom = above + (_STRIP if commits else 0)
        return commits + self._dates(bottom), bottom + _FOOT

    def _commits(self, y: float) -> str:
        """A tick for each night whose commit was not measured on the night before."""
        before = self._board.nights[self.first - 1].commit if self.first else ""
        parts = []
        for x, night in zip(self.across, self._board.nights[self.first :], strict=True):
            if night.commit and night.commit != before:
                parts.append(path("commit", f"M{x:.1f} {y:.1f}v8", f"commit {night.commit[:10]}"))
            before = night.commit or before
        return "".join(parts) + text("commits", LEFT - 8, y + 8, "unit", anchor="end") if parts else ""

    def _dates(self, bottom: float) -> str:
        parts = []
        free_from = 0.0
        starts = [night.started for night in self._board.nights[self.first :]]
        for index, said in date_ticks(starts, self.width.dates):
            x, half = self.x.at(index), LETTER * len(said) / 2
            middle = min(max(x, half), self.width.px - half)
            parts.append(path("tick", f"M{x:.1f} {bottom + 2:.1f}v5"))
            if middle - half >= free_from:
                parts.append(text(said, middle, bottom + 21, anchor="middle"))
                free_from = middle + half + 8
        return "".join(parts)

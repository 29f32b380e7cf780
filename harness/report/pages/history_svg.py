"""SVG paths, scales and ticks for plots over nights. Matplotlib would take 0.2 s per series."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.dates import AutoDateLocator, date2num, num2date
from matplotlib.ticker import MaxNLocator

from harness.records.verdict import Status
from harness.regression.nights import moment

GLYPHS: dict[Status | str, str] = {
    "regressed": "▲",
    "changed": "◆",
    "broken": "✕",
    "missing": "✕",
    "suspect": "△",
    "canary-moved": "■",
    "env-changed": "□",
    "noisy": "◇",
    "improved": "▼",
    "new": "●",
    "ok": "●",
    "": "●",
}
"""Mark of each status, so that color is not the only difference."""


@dataclass(frozen=True)
class Scale:
    """A linear scale from values (`low` to `high`) to px (`start` to `end`)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        share = (values - self.low) / (self.high - self.low)
        return np.asarray(self.start + share * (self.end - self.start))

    def at(self, value: float) -> float:
        return float(self(np.array(value)))


def limits(values: np.ndarray, shown: Sequence[float] = (), padding: float = 0.08) -> tuple[float, float]:
    """Return the ends of an axis.

    Ignore outliers beyond 1.5 × the 2nd-to-98th percentile range.

    Args:
        values: NaN is ignored.
        shown: values that must be on the axis, such as a reference; NaN is ignored.
        padding: share of the range that is added at both ends.
    """
    there, wanted = values[np.isfinite(values)], np.array([*shown], dtype=float)
    wanted = wanted[np.isfinite(wanted)]
    if there.size:
        low, high = np.percentile(there, [2, 98])
        reach = 1.5 * (high - low)
        wanted = np.append(wanted, there[(there >= low - reach) & (there <= high + reach)])
    if not wanted.size:
        return 0.0, 1.0
    bottom, top = float(wanted.min()), float(wanted.max())
    pad = padding * (top - bottom) or max(abs(top) * 0.005, 0.5)
    return bottom - pad, top + pad


def ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return round values from `low` to `high` with their texts, about `count` of them."""
    found = np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    values = [round(value, 9) for value in found.tolist() if low <= value <= high]
    decimals = next((count for count in range(7) if np.allclose(values, np.round(values, count), 1e-9)), 7)
    return [(value, f"{value:,.{decimals}f}".replace("-", "−")) for value in values]


def date_ticks(starts: Sequence[str], most: int) -> list[tuple[int, str]]:
    """Return the numbers of nights to label and their dates.

    Args:
        starts: ISO 8601 start of each night, ascending.
        most: how many labels there is room for, at least 2.
    """
    nights = date2num([moment(start) for start in starts])
    if nights[-1] - nights[0] < 1:
        return [(0, moment(starts[0]).strftime("%-d %b %Y %H:%M"))]
    dates = np.array(
        AutoDateLocator(minticks=2, maxticks=most).tick_values(num2date(nights[0]), num2date(nights[-1]))
    )
    dates = dates[(nights[0] <= dates) & (dates <= nights[-1])]
    days = [num2date(date) for date in dates]
    form = "%b %Y" if all(day.day == 1 for day in days) else "%-d %b"
    form += "" if len({day.date() for day in days}) == len(days) else " %H:%M"
    numbers = np.searchsorted(nights, dates).tolist()
    labels = {number: day.strftime(form) for number, day in reversed([*zip(numbers, days, strict=True)])}
    return sorted(labels.items())


def path(kind: str, d: str, title: str = "") -> str:
    """Return a path of a CSS class, or "" if there is nothing to draw."""
    inside = f"<title>{html.escape(title)}</title>" if title else ""
    return f'<path class="{kind}" d="{d}">{inside}</path>' if d else ""


def text(content: str, x: float, y: float, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{html.escape(content)}</text>'


def line(x: np.ndarray, y: np.ndarray) -> str:
    """Return the `d` of a line through points in px, interrupted where y is NaN; (N,) each."""
    parts, pen = [], "M"
    for across, down in zip(np.round(x, 1).tolist(), np.round(y, 1).tolist(), strict=True):
        if down == down:
            parts.append(f"{pen}{across:g} {down:g}")
        pen = "L" if down == down else "M"
    return "".join(parts)


def steps(edges: np.ndarray, y: np.ndarray) -> str:
    """Return the `d` of a staircase.

    Args:
        edges: (N + 1,) px between the nights.
        y: (N,) px, interrupted where NaN.
    """
    rounded = np.where(np.isfinite(y), np.round(y, 1), np.inf)  # NaN would differ from itself
    starts = [0, *(np.flatnonzero(rounded[1:] != rounded[:-1]) + 1).tolist(), y.size]
    parts, pen = [], "M"
    for start, end in pairwise(starts):
        if np.isfinite(rounded[start]):
            parts.append(f"{pen}{edges[start]:.1f} {rounded[start]:g}H{edges[end]:.1f}")
        pen = "L" if np.isfinite(rounded[start]) else "M"
    return "".join(parts)


def area(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    """Return the `d` of the area between two lines in px, interrupted where one is NaN; (N,) each."""
    there = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]])))
    parts = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        part = slice(start, end)
        parts.append(line(np.append(x[part], x[part][::-1]), np.append(high[part], low[part][::-1])) + "Z")
    return "".join(parts)


def mark(status: str, x: float, y: float, title: str = "", *, comparable: bool = True) -> str:
    """Return the mark of a status around a point in px; a night that is not comparable is faint."""
    inside = f"<title>{html.escape(title)}</title>" if title else ""
    kind = f"mark {status or 'unjudged'}{'' if comparable else ' faint'}"
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{GLYPHS[status]}{inside}</text>'

"""Draw the nights of a series: a plot with band, statuses and levels for its page, and a sparkline."""

from __future__ import annotations

import html

import numpy as np
from markupsafe import Markup
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from harness.records.verdict import STATUSES
from harness.regression.nights import moment
from harness.regression.sentences import unit_of
from harness.report import plot as colors
from harness.report.pages.history_data import QUIET, BoardHistory, Series
from harness.report.plot import Plot, add_legend, new_figure, render_plot

RECENT = 120
"""Nights of a sparkline."""
MARKS = {
    "regressed": ("^", colors.BAD),
    "changed": ("D", colors.BAD),
    "broken": ("X", colors.INK),
    "missing": ("X", colors.INK),
    "suspect": ("^", colors.MCU),
    "canary-moved": ("s", colors.POSTPROCESS),
    "env-changed": ("P", colors.POSTPROCESS),
    "noisy": ("d", colors.PREPROCESS),
    "improved": ("v", colors.GOOD),
    "new": ("+", colors.CPU),
    "ok": (".", colors.CPU),
    "": (".", colors.QUIET),
}
"""Marker and color of each status, so that color is not the only difference."""
_WIDTH, _HEIGHT, _EDGE = 180, 30, 5


def limits(values: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis; ignore outliers beyond 1.5 × the 2nd-to-98th percentile range.

    One of the values must be finite. The axis includes all of `shown`, such as a reference, but NaN.
    """
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [2, 98])
    reach = 1.5 * (high - low)
    inside = finite[(finite >= low - reach) & (finite <= high + reach)]
    bottom, top = np.nanmin([*inside, *shown]), np.nanmax([*inside, *shown])
    pad = 0.08 * (top - bottom) or max(abs(top) * 0.005, 0.5)
    return float(bottom - pad), float(top + pad)


def series_plot(board: BoardHistory, series: Series) -> Plot | None:
    """Draw all nights of a series; None for texts and where no night has a value."""
    if series.kind == "text" or not np.isfinite(series.values).any():
        return None
    parts = []
    if series.kind == "modeled":
        parts.append("The clock is modeled and repeats exactly; a point is the mean of all samples.")
    if series.kind == "time":
        parts.append("A point is the median of a night's blocks, divided by its canary.")
        if np.isfinite(series.allowed).any():
            parts.append("The band is the range that the rule allowed.")
    if np.isfinite(series.accepted).any():
        parts.append("Dashed: the accepted reference.")
    parts.append("Horizontal lines are medians of levels, with the commit that begins each.")
    parts.append("Nights beyond the axis are drawn at its edge.")
    return render_plot("nights", lambda: _draw(board, series), " ".join(parts))


def _draw(board: BoardHistory, series: Series) -> Figure:
    unit, factor = unit_of(series.name), 1.0
    if (larger := {"µs": "ms", "nJ": "µJ"}.get(unit)) and np.nanmax(series.values) >= 10_000:
        unit, factor = larger, 1000.0
    values, allowed = series.values / factor, series.allowed / factor
    medians = [median / factor for *_, median in series.medians()]
    ends = allowed[np.isfinite(allowed).all(axis=1)][-RECENT:].ravel()
    low, high = limits(values, np.array([values[-1], *series.accepted / factor, *medians, *ends]))
    days = np.array([moment(night.started) for night in board.nights])
    figure = new_figure(3.4)
    figure.subplots_adjust(left=0.09, right=0.99, top=0.86, bottom=0.1)
    axes = figure.subplots()
    axes.fill_between(days, *allowed.T, color=colors.CPU, alpha=0.16, linewidth=0)
    axes.plot(days, series.accepted / factor, color=colors.SOFT, linewidth=1.1, linestyle=(0, (5, 4)))
    for (start, end, _), median in zip(series.medians(), medians, strict=True):
        axes.plot(days[[start, end - 1]], [median] * 2, color=colors.MCU, linewidth=1.6)
        if start:
            label = board.nights[start].commit[:10]
            axes.annotate(label, (days[start], high), rotation=90, va="top", ha="right", color=colors.SOFT)
            axes.axvline(days[start], color=colors.MCU, linewidth=0.8)
    clipped, statuses = np.clip(values, low, high), np.array(series.statuses)
    handles = {}
    for status in ("", *reversed(STATUSES)):
        chosen = (statuses == status) & np.isfinite(values)
        if chosen.any():
            marker, color = MARKS[status]
            size = 4.0 if status in QUIET else 6.0
            handles[status or "not judged"] = axes.plot(
                days[chosen], clipped[chosen], marker, color=color, markersize=size, linestyle=""
            )[0]
    axes.set_ylim(low, high)
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.set_ylabel(unit)
    locator = AutoDateLocator(minticks=2, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    add_legend(figure, list(handles.values()), list(handles), len(handles))
    return figure


def sparkline(series: Series) -> Markup:
    """Draw the latest nights of a series as a line with its accepted reference, for a table."""
    values = series.values[-RECENT:]
    finite = np.flatnonzero(np.isfinite(values))
    if not finite.size:
        return Markup()
    accepted = np.nan if series.kind == "text" else series.accepted[-1]
    low, high = limits(values, np.array([accepted]))
    x = np.linspace(_EDGE, _WIDTH - _EDGE, values.size)
    y = np.interp(values, [low, high], [_HEIGHT - _EDGE, _EDGE])
    points = " ".join(f"{x[index]:.1f},{y[index]:.1f}" for index in finite)
    level = np.interp(accepted, [low, high], [_HEIGHT - _EDGE, _EDGE])
    across = f"M{_EDGE} {level:.1f}H{_WIDTH - _EDGE}" if np.isfinite(accepted) else ""
    last, label = finite[-1], html.escape(f"{series.title}: {values.size} nights")
    return Markup(
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f'<path class="accepted" d="{across}"/>'
        f'<polyline points="{points}"/><circle cx="{x[last]:.1f}" cy="{y[last]:.1f}" r="2.5"/></svg>'
    )

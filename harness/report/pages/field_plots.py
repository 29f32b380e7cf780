"""The plots of a field run: accuracy over SNR and distance, misses against false accepts, delays."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from harness.report import format as fmt
from harness.report import plot
from harness.report.plot import PERCENT, WIDTH_IN, Plot, add_legend, new_figure, render_plot

MOST = 10
"""Variants in a plot; the tables have all."""
_COLORS = (plot.MCU, plot.CPU, plot.GPU, plot.POSTPROCESS, plot.PREPROCESS)
_LINES = (plot.GPU, plot.CPU, plot.POSTPROCESS, plot.MCU, plot.BAD, plot.QUIET)
_MARKERS = "osD^vP"
_NORMAL = NormalDist()
_RARE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
_MISS_TICKS = (*_RARE, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.98, 0.99)
_MARGIN, _LEAST_REACH = 0.08, 1.2
"""Of the vertical axis, in standard deviations: from 20 to 60 % is 1.1."""


def field_plots(
    route: str, conditions: pd.DataFrame, det: pd.DataFrame, words: pd.DataFrame, threshold: int
) -> dict[str, Plot]:
    """Return the plots for which there is data, by name; each name begins with the route.

    Args:
        route: route of the data.
        conditions, words: frames of these tables.
        det: frame of the DET points by variant.
        threshold: the threshold that was used.
    """
    plots = {}
    played = _first(conditions[conditions["accuracy"].notna()])
    if axis := sweep_axis(played):
        several = len(axis.other.positions(played)) > 1
        lines = f", a line for each {axis.other.title}" if several else ""
        plots["sweep"] = render_plot(
            f"{route}-sweep",
            lambda: _draw_sweep(played, axis),
            f"Keywords detected by {axis.title}{lines}; the thin lines are 95 % intervals.",
        )
    curves = _first(det[(det["keywords"] > 0) & (det["hours"] > 0)])
    if len(curves):
        plots["det"] = render_plot(
            f"{route}-det",
            lambda: _draw_det(curves, threshold),
            "Detection error trade-off, recomputed from the logged scores: further down and left is better. "
            "Each line follows the thresholds that no other beats in both misses and false accepts. The "
            "vertical scale is that of the normal distribution, where half a word stands for none. Circle: "
            f"the threshold that was used, {threshold}.",
        )
    right = _first(
        words[words["correct"].astype(bool) & words["delay_s"].notna() & (words["excluded"] == "")]
    )
    if len(right):
        plots["delay"] = render_plot(
            f"{route}-delay",
            lambda: _draw_delays(right),
            "Share of the right keywords that were detected by then. Left of 0: before the end of the word.",
        )
    return {f"{route}-{name}": one for name, one in plots.items()}


def _draw_det(points: pd.DataFrame, threshold: int) -> Figure:
    """Draw misses on a normal scale against false accepts per hour on a logarithmic one."""
    figure, axes = _panel(4.2, points)
    hours = points["hours"].astype(float)
    lowest = 10 ** math.floor(math.log10(1 / hours.max()))
    none = lowest / 3
    most = 10 ** math.ceil(
        math.log10(max((points["false_accepts"].astype(float) / hours).max(), 10 * lowest))
    )
    axes.set_xscale("log")
    for index, (_, rows) in enumerate(points.groupby("variant", sort=False)):
        rates = (rows["false_accepts"] / rows["hours"]).astype(float)
        rows = rows.assign(rate=rates.where(rates > 0, none))
        front = det_front(rows)
        missed = [_normal(*counts) for counts in zip(front["misses"], front["keywords"], strict=True)]
        # To the end of the axis, as more false accepts would be allowed there.
        axes.plot([*front["rate"], most], [*missed, missed[-1]], drawstyle="steps-post", **_style(index))
        used = rows.loc[(rows["threshold"].astype(int) - threshold).abs().idxmin()]
        axes.plot(
            used["rate"], _normal(used["misses"], used["keywords"]), "o", color=_style(index)["color"],
            markersize=9, fillstyle="none", markeredgewidth=2, clip_on=False, zorder=3,
        )  # fmt: skip
    axes.set_xlim(none, most)
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = [tick for tick in axes.get_xticks() if lowest <= tick <= most]
    axes.set_xticks([none, *ticks], ["none", *(f"{tick:,g}" for tick in ticks)])
    axes.set_xlabel("false accepts per hour")
    axes.set_ylabel("keywords missed")
    low, high = axes.get_ylim()
    low, high = min(low, high - _LEAST_REACH) - _MARGIN, high + _MARGIN
    shares = [share for share in _MISS_TICKS if low < _NORMAL.inv_cdf(share) < high]
    axes.set_yticks([_NORMAL.inv_cdf(share) for share in shares], [f"{100 * share:g} %" for share in shares])
    axes.set_ylim(low, high)
    return figure


def det_front(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that no other beats in both misses and false accepts, fewest false accepts first.

    A lower threshold need not detect more: an early detection suppresses the next second and a half.
    """
    ordered = points.sort_values(["false_accepts", "misses", "threshold"], ascending=[True, True, False])
    fewest = ordered["misses"].astype(int).cummin().shift(fill_value=np.iinfo(np.int64).max)
    return ordered[ordered["misses"].astype(int) < fewest]


def _normal(misses: int, keywords: int) -> float:
    """Return the rate on the normal scale; none and all are infinitely far, so half a word is taken."""
    return _NORMAL.inv_cdf(min(max(misses, 0.5), keywords - 0.5) / keywords)


def _draw_delays(words: pd.DataFrame) -> Figure:
    figure, axes = _panel(2.6, words)
    for index, (_, rows) in enumerate(words.groupby("variant", sort=False)):
        delays = np.sort(rows["delay_s"].to_numpy(np.float64))
        shares = np.arange(1, len(delays) + 1) / len(delays)
        axes.step([delays[0], *delays], [0, *shares], where="post", **_style(index))
    axes.axvline(0, color=plot.SOFT, linewidth=1)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{second:g} s".replace("-", "−")))
    axes.set_xlabel("after the end of the word")
    return figure


def _panel(plot_in: float, frame: pd.DataFrame) -> tuple[Figure, Axes]:
    """Return axes of a height in inches, below a legend of the frame's variants."""
    variants = list(dict.fromkeys(frame["variant"]))
    legend_in = 0.22 * -(-len(variants) // 3) + 0.08
    height = plot_in + legend_in
    figure = new_figure(height)
    axes = figure.add_axes((0.07, 0.45 / height, 0.89, (plot_in - 0.5) / height))
    add_legend(figure, [Line2D([], [], **_style(place)) for place in range(len(variants))], variants, 3)
    return figure, axes


def _style(place: int) -> dict[str, Any]:
    """Return color and line style of a variant by its place; the second round of colors is dashed."""
    style = ("-", "--")[place // len(_COLORS) % 2]
    return {"color": _COLORS[place % len(_COLORS)], "linestyle": style, "linewidth": 1.8}


def _first(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first variants."""
    return frame[frame["variant"].isin(list(dict.fromkeys(frame["variant"]))[:MOST])]


@dataclass(frozen=True)
class _Axis:
    """A property that conditions vary.

    Attributes:
        key: column of the frame.
        title: of the axis.
        show: formats a value.
        missing: position of None; without noise the SNR is infinite, without a room the distance is lowest.
        missing_title: text for None.
    """

    key: str
    title: str
    show: Callable[[float], str]
    missing: float
    missing_title: str

    def position(self, value: float | None) -> float:
        return self.missing if value is None or math.isnan(value) else float(value)

    def text(self, position: float) -> str:
        return self.missing_title if position == self.missing else self.show(position)

    def positions(self, frame: pd.DataFrame) -> list[float]:
        return sorted(set(map(self.position, frame[self.key])))

    @property
    def other(self) -> _Axis:
        return _DISTANCE if self is _SNR else _SNR


_SNR = _Axis("snr_db", "signal-to-noise ratio", fmt.decibels, math.inf, "no noise")
_DISTANCE = _Axis("distance_m", "distance", fmt.meters, -math.inf, "no room")


def sweep_axis(conditions: pd.DataFrame) -> _Axis | None:
    """Return the axis with more values, SNR if equal; None if there is one value of each."""
    axis = max((_SNR, _DISTANCE), key=lambda one: len(one.positions(conditions)))
    return axis if len(axis.positions(conditions)) > 1 else None


def _draw_sweep(frame: pd.DataFrame, axis: _Axis) -> Figure:
    """Draw a panel for each variant, a line for each value of the other axis."""
    variants = list(dict.fromkeys(frame["variant"]))
    columns = min(len(variants), 3)
    rows = -(-len(variants) // columns)
    positions, lines = axis.positions(frame), axis.other.positions(frame)
    legend_in = 0.28 * -(-len(lines) // 6) if len(lines) > 1 else 0.05
    height = 2.7 * rows + legend_in
    figure = new_figure(height)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    figure.subplots_adjust(
        left=0.5 / WIDTH_IN, right=0.985, bottom=0.45 / height, top=1 - (legend_in + 0.38) / height,
        hspace=0.75, wspace=0.08,
    )  # fmt: skip
    for panel in panels.flat[len(variants) :]:
        panel.set_visible(False)
    for panel, variant in zip(panels.flat, variants, strict=False):
        own = frame[frame["variant"] == variant]
        for index, line in enumerate(lines):
            aside = 0.05 * (index - (len(lines) - 1) / 2)  # so that no interval hides another one
            _draw_line(
                panel,
                own[own[axis.other.key].map(axis.other.position) == line],
                axis,
                positions,
                index,
                aside,
            )
        panel.set_ylim(0, 1.03)
        panel.yaxis.set_major_formatter(PERCENT)
        panel.set_title(textwrap.fill(variant, 86 // columns), loc="left", fontweight="bold")
        panel.set_xticks(range(len(positions)), [axis.text(one) for one in positions])
        panel.set_xlabel(axis.title)
        panel.set_xlim(-0.4, len(positions) - 0.6)
    if len(lines) > 1:
        handles = [Line2D([], [], markersize=5, **_line_style(index)) for index in range(len(lines))]
        add_legend(figure, handles, [axis.other.text(one) for one in lines], 6)
    return figure


def _draw_line(
    panel: Axes, rows: pd.DataFrame, axis: _Axis, positions: Sequence[float], index: int, aside: float
) -> None:
    at = [positions.index(axis.position(value)) + aside for value in rows[axis.key]]
    points = sorted(zip(at, rows["accuracy"], rows["low"], rows["high"], strict=True))
    style = _line_style(index)
    panel.plot([one[0] for one in points], [one[1] for one in points], markersize=5, linewidth=1.8, **style)
    for place, _, low, high in points:
        panel.plot([place, place], [low, high], color=style["color"], linewidth=0.8, alpha=0.6)


def _line_style(index: int) -> dict[str, Any]:
    return {"color": _LINES[index % len(_LINES)], "marker": _MARKERS[index % len(_MARKERS)]}

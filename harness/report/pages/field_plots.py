"""The plot of a field run: misses against false accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from harness.records.field_record import DetPoint
from harness.report import plot
from harness.report.plot import PERCENT, Plot, add_legend, new_figure, render_plot
from harness.stats.statistics import pareto_front

MOST = 10
"""Variants in the plot; the tables have all."""
_COLORS = (plot.MCU, plot.CPU, plot.GPU, plot.POSTPROCESS, plot.PREPROCESS)
_NORMAL = NormalDist()
_RARE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
_MISS_TICKS = (*_RARE, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.98, 0.99)
LABEL_PAD = 9
"""Points between the vertical axis and its labels: a marker on the axis, of no false accept, hides none."""
_MARGIN, _LEAST_REACH = 0.08, 1.2
"""Vertical axis in standard deviations: 20 to 60 % are 1.1."""


def det_plots(name: str, det: pd.DataFrame, used: Mapping[str, DetPoint]) -> dict[str, Plot]:
    """Return the plot of the frame of DET points by its name; nothing without points.

    `used` has the point of each variant's own recognizer, by title.
    """
    points = det[(det["keywords"] > 0) & (det["hours"] > 0)]
    points = points[points["variant"].isin(points["variant"].unique()[:MOST])]
    caption = (
        "Detection error trade-off, recomputed from the logged scores: further down and left is better. "
        "Each line follows the thresholds that no other beats in both misses and false accepts. The "
        "vertical scale is that of the normal distribution, where half a word stands for none. Circle: "
        "the thresholds that were used."
    )
    return {name: render_plot(name, lambda: _draw_det(points, used), caption)} if len(points) else {}


def _draw_det(points: pd.DataFrame, used: Mapping[str, DetPoint]) -> Figure:
    """Draw misses on a normal scale against false accepts per hour on a logarithmic one."""
    variants = list(dict.fromkeys(points["variant"]))
    legend_in = 0.22 * -(-len(variants) // 3) + 0.08
    height = 4.2 + legend_in
    figure = new_figure(height)
    axes = figure.add_axes((0.08, 0.45 / height, 0.88, 3.7 / height))
    add_legend(figure, [Line2D([], [], **_style(place)) for place in range(len(variants))], variants, 3)
    hours = points["hours"].astype(float)
    none, most = scale_false_accepts(axes, hours.max(), (points["false_accepts"].astype(float) / hours).max())
    for index, (variant, rows) in enumerate(points.groupby("variant", sort=False)):
        rates = (rows["false_accepts"] / rows["hours"]).astype(float)
        rows = rows.assign(rate=rates.where(rates > 0, none))
        # A lower threshold need not detect more: an early detection suppresses the next second and a half.
        front = rows.iloc[pareto_front([*zip(rows["false_accepts"], rows["misses"], strict=True)])]
        missed = [normal(*counts) for counts in zip(front["misses"], front["keywords"], strict=True)]
        # To the end of the axis, as more false accepts would be allowed there.
        axes.plot([*front["rate"], most], [*missed, missed[-1]], drawstyle="steps-post", **_style(index))
        own = used[str(variant)]
        axes.plot(
            own.false_accepts / own.hours or none, normal(own.misses, own.keywords), "o",
            color=_style(index)["color"], markersize=9, fillstyle="none", markeredgewidth=2, clip_on=False,
            zorder=3,
        )  # fmt: skip
    scale_misses(axes)
    return figure


def scale_false_accepts(axes: Axes, hours: float, highest: float) -> tuple[float, float]:
    """Scale the horizontal axis for rates per hour up to the highest.

    Returns:
        Its ends; the lower one stands for no false accept.
    """
    lowest = 10 ** math.floor(math.log10(1 / hours))
    none, most = lowest / 3, 10 ** math.ceil(math.log10(max(highest, 10 * lowest)))
    axes.set_xscale("log")
    axes.set_xlim(none, most)
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = [tick for tick in axes.get_xticks() if lowest <= tick <= most]
    axes.set_xticks([none, *ticks], ["none", *(f"{tick:,g}" for tick in ticks)])
    axes.set_xlabel("false accepts per hour")
    return none, most


def scale_misses(axes: Axes) -> None:
    """Scale the vertical axis, whose values are those of `normal`, once everything is drawn."""
    axes.set_ylabel("keywords missed")
    low, high = axes.get_ylim()
    low, high = min(low, high - _LEAST_REACH) - _MARGIN, high + _MARGIN
    shares = [share for share in _MISS_TICKS if low < _NORMAL.inv_cdf(share) < high]
    axes.set_yticks([_NORMAL.inv_cdf(share) for share in shares], [*map(PERCENT, shares)])
    axes.set_ylim(low, high)
    axes.tick_params(axis="y", pad=LABEL_PAD)


def normal(misses: int, keywords: int) -> float:
    """Return the rate on the normal scale; none and all are infinitely far, so half a word is taken."""
    return _NORMAL.inv_cdf(min(max(misses, 0.5), keywords - 0.5) / keywords)


def _style(place: int) -> dict[str, Any]:
    """Return color and line style of a variant by its place; the second round of colors is dashed."""
    style = "--" if place >= len(_COLORS) else "-"
    return {"color": _COLORS[place % len(_COLORS)], "linestyle": style, "linewidth": 1.8}

"""The plots of a field run: accuracy over SNR and distance, misses against false accepts, delays."""

from __future__ import annotations

import math
import textwrap
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from harness.report import plot
from harness.report.pages.field_rates import MARGINS
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
"""Vertical axis in standard deviations: 20 to 60 % are 1.1."""


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
    if keys := _sweep_keys(played):
        title, other = (_AXES[key][0] for key in keys)
        lines = f", a line for each {other}" if len(_positions(played, keys[1])) > 1 else ""
        plots["sweep"] = render_plot(
            f"{route}-sweep",
            lambda: _draw_sweep(played, *keys),
            f"Keywords detected by {title}{lines}; the thin lines are 95 % intervals.",
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


_SNR, _DISTANCE = "snr_db", "distance_m"
_AXES = {_SNR: ("signal-to-noise ratio", math.inf), _DISTANCE: ("distance", -math.inf)}
"""Title, and position of None: without noise the SNR is infinite, without a room the distance is lowest."""


def _positions(frame: pd.DataFrame, key: str) -> list[float]:
    return sorted(frame[key].astype(float).fillna(_AXES[key][1]).unique())


def _text(key: str, position: float) -> str:
    _, without, show = MARGINS[key]
    return without if math.isinf(position) else show(position)


def _sweep_keys(conditions: pd.DataFrame) -> tuple[str, str] | None:
    """Return the key with more values, SNR if equal, and the other; None if there is one value of each."""
    count = {key: len(_positions(conditions, key)) for key in _AXES}
    along, other = (_SNR, _DISTANCE) if count[_SNR] >= count[_DISTANCE] else (_DISTANCE, _SNR)
    return (along, other) if count[along] > 1 else None


def _draw_sweep(frame: pd.DataFrame, along: str, other: str) -> Figure:
    """Draw a panel for each variant, a line for each value of the other key."""
    variants = list(dict.fromkeys(frame["variant"]))
    columns = min(len(variants), 3)
    rows = -(-len(variants) // columns)
    positions, lines = _positions(frame, along), _positions(frame, other)
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
    frame = frame.assign(**{key: frame[key].astype(float).fillna(_AXES[key][1]) for key in _AXES})
    for panel, variant in zip(panels.flat, variants, strict=False):
        for index, line in enumerate(lines):
            own = frame[(frame["variant"] == variant) & (frame[other] == line)].sort_values(along)
            aside = 0.05 * (index - (len(lines) - 1) / 2)  # so that no interval hides another one
            at = own[along].map(positions.index).astype(float) + aside
            style = _line_style(index)
            panel.plot(at, own["accuracy"].astype(float), markersize=5, linewidth=1.8, **style)
            interval = own["low"].astype(float), own["high"].astype(float)
            panel.vlines(at, *interval, color=style["color"], linewidth=0.8, alpha=0.6)
        panel.set_ylim(0, 1.03)
        panel.yaxis.set_major_formatter(PERCENT)
        panel.set_title(textwrap.fill(variant, 86 // columns), loc="left", fontweight="bold")
        panel.set_xticks(range(len(positions)), [_text(along, one) for one in positions])
        panel.set_xlabel(_AXES[along][0])
        panel.set_xlim(-0.4, len(positions) - 0.6)
    if len(lines) > 1:
        handles = [Line2D([], [], markersize=5, **_line_style(index)) for index in range(len(lines))]
        add_legend(figure, handles, [_text(other, one) for one in lines], 6)
    return figure


def _line_style(index: int) -> dict[str, Any]:
    return {"color": _LINES[index % len(_LINES)], "marker": _MARKERS[index % len(_MARKERS)]}

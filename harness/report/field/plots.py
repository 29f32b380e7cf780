"""The plots of a field run: accuracy over SNR and distance, misses against false accepts, delays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from harness.report import colors as colors
from harness.report.field.sweep import draw_sweep, sweep_axis
from harness.report.plots import Plot, drawn
from harness.report.svg import Width, new_figure

MOST = 10
"""Variants of a plot; the tables have all."""
_COLORS = (colors.MCU, colors.CPU, colors.GPU, colors.POSTPROCESS, colors.PREPROCESS)
_NORMAL = NormalDist()
_MISSED = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    0.98,
    0.99,
)
_MARGIN, _LEAST_REACH = 0.08, 1.2
"""Of the vertical axis, in standard deviations: from 20 to 60 % is 1.1."""


def field_plots(
    route: str, conditions: pd.DataFrame, det: pd.DataFrame, words: pd.DataFrame, threshold: int
) -> dict[str, Plot]:
    """The plots for which there are figures, by name.

    Args:
        route: begins the names.
        conditions: the frame of `circumstances.conditions_table`.
        det: of `alarms.det_frame`.
        words: of `words.words_table`.
        threshold: the one that was used.
    """
    plots = {}
    played = _first(conditions[conditions["accuracy"].notna()])
    if axis := sweep_axis(played):
        plots[f"{route}-sweep"] = drawn(
            f"{route}-sweep", lambda width: draw_sweep(played, axis, width), axis.caption(played)
        )
    curves = _first(det[(det["condition"] == "") & (det["keywords"] > 0) & (det["hours"] > 0)])
    if len(curves):
        plots[f"{route}-det"] = drawn(
            f"{route}-det",
            lambda width: draw_det(curves, threshold, width),
            "Detection error trade-off: keywords missed against false accepts an hour, out of the logged "
            "scores; the lower and the further to the left, the better. The lines are of the thresholds "
            "that no other one beats in both. The vertical scale is that of the normal distribution, where "
            "half a word stands for none, the horizontal one logarithmic with none at its left end. "
            f"Ringed: the threshold that was used, {threshold}.",
        )
    heard = _first(
        words[words["correct"].astype(bool) & words["delay_s"].notna() & (words["excluded"] == "")]
    )
    if len(heard):
        plots[f"{route}-delay"] = drawn(
            f"{route}-delay",
            lambda width: draw_delays(heard, width),
            "The share of the keywords heard right that were announced by then, from the end of the word. "
            "Left of 0 a word was announced before its end.",
        )
    return plots


def draw_det(points: pd.DataFrame, threshold: int, width: Width) -> Figure:
    """Misses on a normal scale against false accepts an hour on a logarithmic one."""
    figure, axes = _panel(width, width.of(4.2, 3.4), list(dict.fromkeys(points["variant"])))
    hours = points["hours"].astype(float)
    lowest = 10 ** math.floor(math.log10(1 / hours.max()))
    none = lowest / 3
    most = max((points["false_accepts"].astype(float) / hours).max(), 10 * lowest)
    axes.set_xscale("log")
    for index, (_, rows) in enumerate(points.groupby("variant", sort=False)):
        rates = (rows["false_accepts"] / rows["hours"]).astype(float)
        rows = rows.assign(rate=rates.where(rates > 0, none))
        front = det_front(rows)
        missed = [_normal(*counts) for counts in zip(front["misses"], front["keywords"], strict=True)]
        # To the end of the axis, as more false accepts would be allowed there.
        axes.plot(
            [*front["rate"], 10 ** math.ceil(math.log10(most))], [*missed, missed[-1]], _style(index),
            color=_color(index), linewidth=1.8, drawstyle="steps-post",
        )  # fmt: skip
        used = rows.loc[(rows["threshold"].astype(int) - threshold).abs().idxmin()]
        axes.plot(
            used["rate"], _normal(used["misses"], used["keywords"]), "o", color=_color(index), markersize=9,
            fillstyle="none", markeredgewidth=2, clip_on=False, zorder=3,
        )  # fmt: skip
    axes.set_xlim(none, 10 ** math.ceil(math.log10(most)))
    axes.xaxis.set_major_locator(LogLocator(numticks=round(width.of(9, 6))))
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = [tick for tick in axes.get_xticks() if lowest <= tick <= axes.get_xlim()[1]]
    axes.set_xticks([none, *ticks], ["none", *(f"{tick:,g}" for tick in ticks)])
    axes.set_xlabel("false accepts an hour")
    axes.set_ylabel("keywords missed")
    low, high = axes.get_ylim()
    low, high = min(low, high - _LEAST_REACH) - _MARGIN, high + _MARGIN
    shares = [share for share in _MISSED if low < _NORMAL.inv_cdf(share) < high]
    axes.set_yticks([_NORMAL.inv_cdf(share) for share in shares], [f"{100 * share:g} %" for share in shares])
    axes.set_ylim(low, high)
    return figure


def det_front(points: pd.DataFrame) -> pd.DataFrame:
    """The thresholds that no other one beats in both misses and false accepts, the quietest first.

    A lower threshold need not announce more: an early announcement suppresses the next second and a half.
    """
    ordered = points.sort_values(["false_accepts", "misses", "threshold"], ascending=[True, True, False])
    fewest = ordered["misses"].astype(int).cummin().shift(fill_value=np.iinfo(np.int64).max)
    return ordered[ordered["misses"].astype(int) < fewest]


def _normal(misses: int, keywords: int) -> float:
    """The rate on the normal scale, on which none and all are infinitely far: half a word is put for them."""
    share = min(max(misses, 0.5), keywords - 0.5) / keywords
    return _NORMAL.inv_cdf(share)


def draw_delays(words: pd.DataFrame, width: Width) -> Figure:
    """The share announced until a time after the end of the word, a line for each variant."""
    figure, axes = _panel(width, width.of(2.6, 2.4), list(dict.fromkeys(words["variant"])))
    for index, (_, rows) in enumerate(words.groupby("variant", sort=False)):
        delays = np.sort(rows["delay_s"].to_numpy(np.float64))
        shares = np.arange(1, len(delays) + 1) / len(delays)
        axes.step(
            [delays[0], *delays], [0, *shares], _style(index), where="post",
            color=_color(index), linewidth=1.8,
        )  # fmt: skip
    axes.axvline(0, color=colors.SOFT, linewidth=1)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{second:g} s".replace("-", "−")))
    axes.set_xlabel("after the end of the word")
    return figure


def _panel(width: Width, plot_in: float, lines: Sequence[str]) -> tuple[Figure, Axes]:
    """Axes below a legend of lines."""
    columns = min(len(lines), round(width.of(3, 1)))
    legend_in = 0.22 * -(-len(lines) // columns) + 0.08
    height = plot_in + legend_in
    figure = new_figure(width, height)
    left = width.of(0.6, 0.55) / width.inches
    axes = figure.add_axes((left, 0.45 / height, 0.985 - left, (plot_in - 0.5) / height))
    figure.legend(
        [Line2D([], [], linestyle=_style(place), color=_color(place)) for place in range(len(lines))],
        lines, loc="upper left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, borderpad=0,
        borderaxespad=0, handlelength=1.8, columnspacing=1.4,
    )  # fmt: skip
    return figure, axes


def _color(place: int) -> str:
    return _COLORS[place % len(_COLORS)]


def _style(place: int) -> str:
    """Of the second round of colors the lines are dashed."""
    return ("-", "--")[place // len(_COLORS) % 2]


def _first(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first variants."""
    return frame[frame["variant"].isin(list(dict.fromkeys(frame["variant"]))[:MOST])]

"""Plots of a run, drawn from its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from harness.report import format as fmt
from harness.report import plot
from harness.report.plot import WIDTH_IN, Plot, new_figure, render_plot
from harness.report.table import Table
from harness.stats.matching import is_keyword

_DEVICE_COLORS = {"MCU": plot.MCU, "CPU": plot.CPU, "GPU": plot.GPU}
_LANE_IN, _GAP_IN = 0.24, 0.36
"""Height of a lane of the timeline, and of the gap below each of its lines, where the seconds stand."""
_LINE_S = 14
"""Audio of one line of the timeline: 37 points a second."""
_WORD_S = 1.1
"""Width of a drawn word of six letters."""


def run_plots(tables: Mapping[str, Table]) -> dict[str, Plot]:
    """Return the plots for which there are values, by name."""
    clock = ", ".join(dict.fromkeys(tables["latency"].frame["clock"]))
    captions = {
        "host": f"Median time of one inference on a logarithmic scale; the MCU's is {clock}. The line is the "
        "middle half where it is wider than the dot.",
        "words": "Above: each word as it was played. Below: what each variant detected, and when. An orange "
        "cross is a wrong detection or a miss.",
    }
    draw = {"host": draw_devices, "words": draw_timeline}
    needs = {"host": "median_us", "words": "onset_s"}
    return {
        name: render_plot(name, partial(draw[name], tables[name].frame), caption)
        for name, caption in captions.items()
        if tables[name].frame[needs[name]].notna().any()
    }


def draw_devices(frame: pd.DataFrame) -> Figure:
    """Draw a dot for each device and runtime, grouped by variant, with the value beside it."""
    lines: list[tuple[str, pd.Series | None]] = []
    for variant, rows in frame.groupby("variant", sort=False):
        lines += [(str(variant), None), *((_device_text(row), row) for _, row in rows.iterrows())]
    height = 0.21 * len(lines) + 0.55
    figure = new_figure(height)
    left = 2.0 / WIDTH_IN
    axes = figure.add_axes((left, 0.42 / height, 1 - left - 0.9 / WIDTH_IN, 1 - 0.47 / height), xscale="log")
    medians = frame["median_us"].dropna().astype(float)
    axes.set_xlim(
        10 ** math.floor(math.log10(medians.min() / 1.3)), 10 ** math.ceil(math.log10(medians.max() * 1.01))
    )
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.round_duration(value)))
    axes.set_ylim(len(lines) - 0.3, -0.7)
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(lines)), [text if row is not None else "" for text, row in lines])
    margin = blended_transform_factory(figure.transFigure, axes.transData)
    for index, (text, row) in enumerate(lines):
        if row is None:  # a title may be wider than the labels under it
            axes.text(0, index, text, transform=margin, va="center", fontweight="bold")
        elif row["median_us"] is None:
            reason = f"{fmt.DASH} {row['note'] or ''}"
            axes.text(0.01, index, reason, transform=axes.get_yaxis_transform(), va="center", color=plot.SOFT)
        else:
            color = _DEVICE_COLORS[row["device"]]
            low, high = row["p25_us"] or row["median_us"], row["p75_us"] or row["median_us"]
            axes.plot([low, high], [index, index], color=color, linewidth=3, alpha=0.5)
            axes.plot(row["median_us"], index, "o", color=color, markersize=6)
            median = fmt.duration(row["median_us"])
            axes.annotate(median, (high, index), (7, 0), "data", "offset points", va="center")
    return figure


def _device_text(row: pd.Series) -> str:
    if row["device"] == "MCU":
        return f"MCU ({row['clock']})" if row["clock"] else "MCU"
    threads = f" · {fmt.plural(row['threads'], 'thread')}" if row["threads"] else ""
    return f"{'' if row['device'] == 'CPU' else 'GPU · '}{row['runtime']}{threads}"


def draw_timeline(words: pd.DataFrame) -> Figure:
    """Draw the audio stream in lines, each with a lane for the words played and one for each variant."""
    variants = list(dict.fromkeys(words["variant"]))
    last_s = float(words[["end_s", "detected_at_s"]].stack().max())
    line_s = min(_LINE_S, max(4, math.ceil(last_s + 0.5)))
    lines = max(1, math.ceil((last_s + 0.3) / line_s))
    lanes = len(variants) + 1
    line_in = lanes * _LANE_IN + _GAP_IN
    height, left = lines * line_in, 1.55 / WIDTH_IN
    figure = new_figure(height)
    played = words[words["onset_s"].notna()].drop_duplicates(["onset_s", "source"])
    for line in range(lines):
        bottom = (lines - line - 1) * line_in + _GAP_IN * 0.75
        axes = figure.add_axes((left, bottom / height, 0.988 - left, lanes * _LANE_IN / height))
        axes.set_xlim(line * line_s, (line + 1) * line_s)
        axes.set_ylim(lanes - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} s"))
        axes.set_yticks(range(lanes), ["played", *variants])
        axes.grid(False, axis="y")
        _draw_words(axes, played)
        for row in words.itertuples():
            _draw_detection(axes, row, variants.index(row.variant) + 1)
    return figure


def _draw_words(axes: Axes, words: pd.DataFrame) -> None:
    start, end = axes.get_xlim()
    for row in words[(words["end_s"] > start) & (words["onset_s"] < end)].itertuples():
        color = plot.CPU if is_keyword(row.label) else plot.QUIET
        axes.barh(0, row.end_s - row.onset_s, left=row.onset_s, height=0.8, color=color, alpha=0.3)
        middle = (row.onset_s + row.end_s) / 2
        if start <= middle < end:
            inside = min(max(middle, start + _WORD_S / 2), end - _WORD_S / 2)
            axes.text(inside, 0, row.word or row.label, ha="center", va="center_baseline")


def _draw_detection(axes: Axes, row: Any, lane: int) -> None:
    start, end = axes.get_xlim()
    missed = row.detected is None
    at_s = row.end_s if missed else row.detected_at_s
    if (missed and row.correct) or at_s is None or not start <= at_s < end:
        return  # no keyword was said, and none was detected; or it belongs to another line
    color, marker = (plot.GOOD, "o") if row.correct else (plot.BAD, "x")
    axes.plot(at_s, lane, marker, color=color, markersize=5, markeredgewidth=2, clip_on=False)
    shift, align = (6, "left") if at_s + _WORD_S < end else (-6, "right")
    style: dict[str, Any] = {
        "textcoords": "offset points",
        "color": color,
        "ha": align,
        "va": "center_baseline",
    }
    axes.annotate("missed" if missed else row.detected, (at_s, lane), (shift, 0), **style)

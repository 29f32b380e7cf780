"""Plots of a run, drawn from its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from harness import format as fmt
from harness.report import plot
from harness.report.plot import NARROW_IN, WIDTH_IN, Plot, new_figure, render_plot
from harness.report.table import Table
from harness.report.variants import DEVICES
from harness.stats.matching import is_keyword

_DEVICE_COLORS = {"MCU": plot.MCU, DEVICES["linux"]: plot.POSTPROCESS, "CPU": plot.CPU, "GPU": plot.GPU}
_LANE_IN, _GAP_IN = 0.24, 0.36
"""Height of a lane of the timeline, and of the gap below each of its lines, where the seconds stand."""
_LINE_S = 14
"""Audio of one line of the timeline: 37 points a second."""
_CHARACTER_IN = 0.075
"""Width of a character, on average."""
_LONGEST_NAME = 32
"""Characters of a variant's title beside its lane: a longer one loses its middle."""
_LONGEST_LINE = 38
"""Characters across a narrow figure."""


def run_plots(tables: Mapping[str, Table]) -> dict[str, Plot]:
    """Return the plots for which there are values, by name."""
    clock = ", ".join(dict.fromkeys(tables["latency"].frame["clock"]))
    captions = {
        "host": "Median time of one inference on a logarithmic scale"
        f"{f'; that of the MCU is {clock}' if clock else ''}. The line is the middle half where it is wider "
        "than the dot.",
        "words": "Above: each word as it was played. Below: what each variant detected, and when. An orange "
        "cross is a wrong detection or a miss.",
    }
    host, words = tables["host"].frame, tables["words"].frame
    plots = {}
    if host["median_us"].notna().any():
        drawn = render_plot("host", lambda: draw_devices(host), captions["host"])
        narrow = render_plot("host-narrow", lambda: draw_devices(host, narrow=True), captions["host"])
        plots["host"] = replace(drawn, narrow=narrow.svg)
    if words["onset_s"].notna().any():
        plots["words"] = render_plot("words", lambda: draw_timeline(words), captions["words"])
    return plots


def draw_devices(frame: pd.DataFrame, narrow: bool = False) -> Figure:
    """Draw a dot for each device and runtime, grouped by variant, with the value beside it.

    In the narrow form, for a phone, the names stand above the dots.
    """
    lines: list[tuple[str, pd.Series | None]] = []
    for variant, rows in frame.groupby("variant", sort=False):
        lines += [(str(variant), None), *((_device_text(row), row) for _, row in rows.iterrows())]
    width, left_in, line_in = (NARROW_IN, 0.12, 0.36) if narrow else (WIDTH_IN, 2.0, 0.21)
    height = line_in * len(lines) + 0.55
    figure = new_figure(height, width)
    box = (left_in / width, 0.42 / height, 1 - (left_in + 0.9) / width, 1 - 0.47 / height)
    axes = figure.add_axes(box, xscale="log")
    medians = frame["median_us"].dropna().astype(float)
    axes.set_xlim(
        10 ** math.floor(math.log10(medians.min() / 1.3)), 10 ** math.ceil(math.log10(medians.max() * 1.01))
    )
    axes.xaxis.set_major_locator(LogLocator(numticks=4 if narrow else 12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.round_duration(value)))
    axes.set_ylim(len(lines) - 0.3, -0.7)
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    names = [text if row is not None and not narrow else "" for text, row in lines]
    axes.set_yticks(range(len(lines)), names)
    margin = blended_transform_factory(figure.transFigure, axes.transData)
    for index, (text, row) in enumerate(lines):
        if narrow:
            text = shortened(text, _LONGEST_LINE)
        if narrow and row is not None:
            axes.text(0, index - 0.5, text, transform=margin, va="center", color=plot.SOFT)
        if row is None:  # a title may be wider than the labels under it
            axes.text(0, index, text, transform=margin, va="center", fontweight="bold")
        elif row["median_us"] is None:
            reason = f"{fmt.DASH} {row['note'] or ''}"
            if narrow:
                reason = shortened(reason, _LONGEST_LINE)
            axes.text(0.01, index, reason, transform=axes.get_yaxis_transform(), va="center", color=plot.SOFT)
        else:
            color = _DEVICE_COLORS[row["device"].partition(",")[0]]
            low, high = row["p25_us"] or row["median_us"], row["p75_us"] or row["median_us"]
            axes.plot([low, high], [index, index], color=color, linewidth=3, alpha=0.5)
            axes.plot(row["median_us"], index, "o", color=color, markersize=6)
            median = fmt.duration(row["median_us"]) + (", throttled" if row["throttled"] else "")
            axes.annotate(median, (high, index), (7, 0), "data", "offset points", va="center")
    return figure


def _device_text(row: pd.Series) -> str:
    if row["device"] == "MCU":
        return f"MCU ({row['clock']})" if row["clock"] else "MCU"
    threads = f" · {fmt.plural(row['threads'], 'thread')}" if row["threads"] else ""
    if row["device"].startswith(DEVICES["linux"]):
        return f"{row['device']}{threads}"
    return f"{'' if row['device'] == 'CPU' else 'GPU · '}{row['runtime']}{threads}"


def draw_timeline(words: pd.DataFrame) -> Figure:
    """Draw the audio stream in lines, each with a lane for the words played and one for each variant."""
    variants = list(dict.fromkeys(words["variant"]))
    last_s = float(words[["end_s", "detected_at_s"]].stack().max())
    line_s = min(_LINE_S, max(4, math.ceil(last_s + 0.5)))
    lines = max(1, math.ceil((last_s + 0.3) / line_s))
    lanes = len(variants) + 1
    line_in = lanes * _LANE_IN + _GAP_IN
    names = [shortened(name, _LONGEST_NAME) for name in variants]
    left = (max(map(len, ["played", *names])) * _CHARACTER_IN + 0.15) / WIDTH_IN
    height = lines * line_in
    figure = new_figure(height)
    played = words[words["onset_s"].notna()].drop_duplicates(["onset_s", "source"])
    for line in range(lines):
        bottom = (lines - line - 1) * line_in + _GAP_IN * 0.75
        axes = figure.add_axes((left, bottom / height, 0.975 - left, lanes * _LANE_IN / height))
        axes.set_xlim(line * line_s, (line + 1) * line_s)
        axes.set_ylim(lanes - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} s"))
        axes.set_yticks(range(lanes), ["played", *names])
        axes.grid(False, axis="y")
        _draw_words(axes, played)
        for lane, variant in enumerate(variants, 1):
            _draw_lane(axes, words[words["variant"] == variant], lane)
    return figure


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with an ellipsis in place of its middle."""
    if len(text) <= most:
        return text
    ends = most - 1
    return f"{text[: ends - ends // 2]}…{text[len(text) - ends // 2 :]}"


def _draw_words(axes: Axes, words: pd.DataFrame) -> None:
    start, end = axes.get_xlim()
    taken_s = start
    for row in words[(words["end_s"] > start) & (words["onset_s"] < end)].sort_values("onset_s").itertuples():
        color = plot.CPU if is_keyword(row.label) else plot.QUIET
        axes.barh(0, row.end_s - row.onset_s, left=row.onset_s, height=0.8, color=color, alpha=0.3)
        middle, text = (row.onset_s + row.end_s) / 2, row.word or row.label
        half_s = _width_s(axes, text) / 2
        inside = min(max(middle, start + half_s), end - half_s)
        if start <= middle < end and inside - half_s >= taken_s:
            axes.text(inside, 0, text, ha="center", va="center_baseline")
            taken_s = inside + half_s


def _draw_lane(axes: Axes, words: pd.DataFrame, lane: int) -> None:
    """Draw the detections and misses of a variant; a text that has no room is left to the table."""
    start, end = axes.get_xlim()
    marks = []
    for row in words.itertuples():
        missed = row.detected is None
        at_s = row.end_s if missed else row.detected_at_s
        if (missed and row.correct) or at_s is None or not start <= at_s < end:
            continue  # no keyword was said, and none was detected; or it belongs to another line
        marks.append((at_s, "missed" if missed else row.detected, row.correct))
    marks.sort()
    taken_s = start
    for place, (at_s, text, right) in enumerate(marks):
        following = marks[place + 1][0] if place + 1 < len(marks) else end
        color, marker = (plot.GOOD, "o") if right else (plot.BAD, "x")
        axes.plot(at_s, lane, marker, color=color, markersize=5, markeredgewidth=2, clip_on=False)
        width_s = _width_s(axes, text)
        shift, align = 6, "left"
        if at_s + width_s > following:
            shift, align = -6, "right"
            if at_s - width_s < taken_s:
                taken_s = at_s
                continue
        taken_s = at_s + width_s if align == "left" else at_s
        axes.annotate(
            text,
            (at_s, lane),
            (shift, 0),
            textcoords="offset points",
            color=color,
            ha=align,
            va="center_baseline",
        )


def _width_s(axes: Axes, text: str) -> float:
    """Return the width of a text beside its mark, in seconds of the axis."""
    start, end = axes.get_xlim()
    width_in = (len(text) + 1) * _CHARACTER_IN + 0.1
    return width_in / (axes.get_position().width * WIDTH_IN) * (end - start)

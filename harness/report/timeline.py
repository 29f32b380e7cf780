"""The stream as it was played, line by line like a score: the words above, what was announced below."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from harness.report import colors as colors
from harness.report.svg import Width, new_figure
from harness.stats.matching import is_keyword

_LANE_IN = 0.24
_GAP_IN = 0.36
"""Between two lines, for the seconds."""
_LEGEND_IN = 0.19
_WORD_S = 1.1
"""What a word of six letters takes of a line, drawn: both widths show at least 36 points a second."""


def draw_timeline(words: pd.DataFrame, width: Width) -> Figure:
    """As many lines as the stream needs, each with a lane for the words and one for each variant.

    Args:
        words: the frame of `harness.report.recognition.words_table`.
        width: what it is drawn for.
    """
    variants = list(dict.fromkeys(words["variant"]))
    last_s = float(words[["end_s", "detected_at_s"]].stack().max())
    line_s = min(width.of(16, 6), max(4, math.ceil(last_s + 0.5)))
    lines = max(1, math.ceil((last_s + 0.3) / line_s))
    lanes = len(variants) + 1
    line_in = lanes * _LANE_IN + _GAP_IN
    legend = [] if width.name == "wide" else [f"{n}  {variant}" for n, variant in enumerate(variants, 1)]
    height = lines * line_in + len(legend) * _LEGEND_IN
    figure = new_figure(width, height)
    for index, text in enumerate(legend, 1):
        figure.text(0, 1 - index * _LEGEND_IN / height, text, va="baseline", color=colors.SOFT)
    left = width.of(1.55, 0.3) / width.inches
    names = [str(n) for n in range(1, lanes)] if legend else variants
    for line in range(lines):
        bottom = (lines - line - 1) * line_in + _GAP_IN * 0.75
        axes = figure.add_axes(
            (left, bottom / height, width.of(0.988, 0.965) - left, lanes * _LANE_IN / height)
        )
        axes.set_xlim(line * line_s, (line + 1) * line_s)
        axes.set_ylim(lanes - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} s"))
        axes.set_yticks(range(lanes), ["" if legend else "played", *names])
        axes.grid(False, axis="y")
        _draw_words(axes, words[words["onset_s"].notna()].drop_duplicates(["onset_s", "source"]))
        for lane, variant in enumerate(variants, start=1):
            _draw_heard(axes, words[words["variant"] == variant], lane)
    return figure


def _draw_words(axes: Axes, words: pd.DataFrame) -> None:
    start, end = axes.get_xlim()
    for row in words.itertuples():
        if row.end_s <= start or row.onset_s >= end:
            continue
        color = colors.CPU if is_keyword(row.label) else colors.QUIET
        axes.barh(0, row.end_s - row.onset_s, left=row.onset_s, height=0.8, color=color, alpha=0.3)
        middle = (row.onset_s + row.end_s) / 2
        if start <= middle < end:
            inside = min(max(middle, start + _WORD_S / 2), end - _WORD_S / 2)
            axes.text(inside, 0, row.word or row.label, ha="center", va="center_baseline")


def _draw_heard(axes: Axes, words: pd.DataFrame, lane: int) -> None:
    start, end = axes.get_xlim()
    for row in words.itertuples():
        missed = row.detected is None
        if missed and row.correct:
            continue  # silence, and nothing was announced
        at_s = row.end_s if missed else row.detected_at_s
        if at_s is None or not start <= at_s < end:
            continue
        color = colors.GOOD if row.correct else colors.BAD
        axes.plot(
            at_s,
            lane,
            "o" if row.correct else "x",
            color=color,
            markersize=5,
            markeredgewidth=2,
            clip_on=False,
        )
        text = "missed" if missed else row.detected
        beside, flush = (6, "left") if at_s + _WORD_S < end else (-6, "right")
        axes.annotate(
            text,
            (at_s, lane),
            (beside, 0),
            textcoords="offset points",
            color=color,
            ha=flush,
            va="center_baseline",
        )

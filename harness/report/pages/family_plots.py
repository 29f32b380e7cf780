"""Plots of a family: accuracy against latency, and the effect of pruning on runtime and size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from harness import format as fmt
from harness.report import plot
from harness.report.pages.family_entries import KINDS, Entry, front_of, original_of
from harness.report.plot import Plot, add_legend, new_figure, render_plot
from harness.stats.statistics import ratio, wilson_interval

_COLORS = {
    "float32": plot.QUIET,
    "int8": plot.INK,
    "aware": plot.GPU,
    "few": plot.SOFT,
    "weights": plot.POSTPROCESS,
    "channels": plot.MCU,
    "other": plot.PREPROCESS,
}
_MARKERS = "osD^v"
_HIGHEST = 2.0
"""Largest share of the unpruned network's value that is drawn: an outlier must not flatten the rest."""

_Lines = Mapping[str, tuple[str, str, Callable[[Entry], float | None]]]
"""Color, line style and value of each line."""


def _of_model(field: str) -> Callable[[Entry], float | None]:
    return lambda entry: getattr(entry.model, field, None)


_TIMES: _Lines = {
    "board": (plot.MCU, "-", lambda entry: entry.time_us("mcu")),
    "CPU": (plot.CPU, "-", lambda entry: entry.time_us("cpu")),
}
_CHANNELS: _Lines = {
    **_TIMES,
    "GPU": (plot.GPU, "-", lambda entry: entry.time_us("gpu")),
    "operations": (plot.QUIET, "--", lambda entry: entry.operations),
}
_WEIGHTS: _Lines = {
    **_TIMES,
    "compressed .tflite": (plot.POSTPROCESS, "-", _of_model("compressed_bytes")),
    "parameters not zero": (plot.QUIET, "--", _of_model("remaining_parameters")),
}


def family_plots(entries: Sequence[Entry]) -> dict[str, Plot]:
    """Return the plots for which there are values, by name."""
    plots = {}
    placed = [entry for entry in entries if entry.inference_us is not None and entry.accuracy is not None]
    if placed:
        plots["front"] = render_plot(
            "front",
            partial(draw_front, placed),
            "Accuracy on the test set against the time of one inference on the board, on a logarithmic "
            "scale; thin lines are 95 % intervals. Numbers mark the Pareto front: no other variant is as "
            "accurate and as fast.",
        )
    for kind, lines, dashed in (
        ("channels", _CHANNELS, "remaining operations"),
        ("weights", _WEIGHTS, "parameters that are not zero"),
    ):
        if series := series_of(entries, kind):
            caption = (
                f"Time of one inference by the share of pruned {kind}, relative to the unpruned network on "
                f"the same device. Dashed: {dashed}."
            )
            plots[kind] = render_plot(kind, partial(draw_series, series, lines), caption)
    return plots


def series_of(entries: Sequence[Entry], kind: str) -> dict[str, list[Entry]]:
    """Return networks by the pruned share of their "channels" or "weights", the unpruned one first, by title.

    A series is of one board and one engine; the unpruned network may have run on another engine. Series
    without it, or with fewer than two times on the board, are left out.
    """
    groups: dict[tuple[str, str, str, str], list[Entry]] = {}
    for entry in entries:
        if entry.kind == kind and entry.model:
            key = (entry.network, entry.engine, entry.record.board.name, entry.model.precision)
            groups.setdefault(key, []).append(entry)
    several = len({(engine, board) for _, engine, board, _ in groups}) > 1
    found = {}
    for (network, engine, board, precision), pruned in groups.items():
        whole = original_of(pruned[0], entries, precision)
        if whole and whole.record.board.name == board:
            series = [whole, *sorted(pruned, key=lambda entry: entry.threshold or 0)]
            if sum(entry.inference_us is not None for entry in series) > 1:
                found[f"{network}, engine {engine}" if several else network] = series
    return found


def draw_front(entries: Sequence[Entry]) -> Figure:
    """Draw accuracy against latency, and the numbered front, the fastest first."""
    height = 4.9
    figure = new_figure(height)
    axes = figure.add_axes((0.06, 0.45 / height, 0.92, (height - 1) / height), xscale="log")
    networks = list(dict.fromkeys(entry.network for entry in entries))
    markers = {network: _MARKERS[index % len(_MARKERS)] for index, network in enumerate(networks)}
    for entry in reversed(entries):  # of coinciding points the original network is drawn last
        color, time = _COLORS[entry.kind], entry.inference_us or 0
        axes.plot(
            [time, time], wilson_interval(*(entry.test or (0, 0))), color=color, linewidth=0.8, alpha=0.45
        )
        axes.plot(time, entry.accuracy or 0, markers[entry.network], color=color, markersize=7, alpha=0.9)
    front = [(entry.inference_us or 0, entry.accuracy or 0) for entry in front_of(entries)]
    axes.step(*np.array(front).reshape(-1, 2).T, where="post", color=plot.LINK, linewidth=1.6, zorder=1)
    for number, place in enumerate(front, 1):
        axes.annotate(str(number), place, (-5, 5), textcoords="offset points", ha="right", fontweight="bold")
    all_us = [entry.inference_us or 0 for entry in entries]
    low, high = min(all_us) / 1.25, max(all_us) * 1.25
    axes.set_xlim(low, high)
    subs = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=14))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.round_duration(value)))
    axes.set_xlabel("one inference on the board")
    axes.yaxis.set_major_formatter(plot.PERCENT)
    labels = {
        KINDS[kind]: Line2D([], [], marker="s", linestyle="", color=_COLORS[kind], markersize=7)
        for kind in KINDS
        if any(entry.kind == kind for entry in entries)
    }
    for network, marker in markers.items():
        style: dict[str, Any] = {"color": plot.SOFT, "fillstyle": "none", "markersize": 7}
        labels[network or "other network"] = Line2D([], [], marker=marker, linestyle="", **style)
    add_legend(figure, list(labels.values()), list(labels), columns=5)
    return figure


def draw_series(series: Mapping[str, Sequence[Entry]], lines: _Lines) -> Figure:
    """Draw a panel for each network: values relative to the unpruned network, by threshold."""
    rows, columns = -(-len(series) // 2), min(len(series), 2)
    height = 3.0 * rows + 0.3
    figure = new_figure(height)
    panels = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.06, right=0.965, bottom=0.5 / height, top=1 - 0.6 / height, hspace=0.5, wspace=0.16
    )
    drawn: dict[str, Line2D] = {}
    for panel in panels.flat[len(series) :]:
        panel.set_visible(False)
    for axes, (title, entries) in zip(panels.flat, series.items(), strict=False):
        axes.set_title(title, loc="left", fontweight="bold")
        for name, (color, style, value) in lines.items():
            shares = [(entry.threshold or 0.0, ratio(value(entry), value(entries[0]))) for entry in entries]
            points = [(threshold, share) for threshold, share in shares if share is not None]
            for threshold, share in points:
                if share > _HIGHEST:
                    place: dict[str, Any] = {"textcoords": "offset points", "color": color}
                    axes.annotate(f"↑ {fmt.share(share)}", (threshold, _HIGHEST), (0, 5), **place)
            if len(points) > 1:
                x, y = zip(*((threshold, min(share, _HIGHEST)) for threshold, share in points), strict=True)
                marker = "o" if style == "-" else ""
                (drawn[name],) = axes.plot(
                    x, y, style, color=color, marker=marker, markersize=5, linewidth=1.8
                )
        axes.set_ylim(bottom=0)
        axes.set_xlim(-0.03, 1)
        axes.xaxis.set_major_formatter(plot.PERCENT)
        axes.yaxis.set_major_formatter(plot.PERCENT)
        axes.set_xlabel("pruned")
    add_legend(figure, list(drawn.values()), list(drawn), columns=len(drawn))
    return figure

"""The family's plots: accuracy against latency, and what pruning does to runtime and size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from harness.report import colors as colors
from harness.report import format as figures
from harness.report.family.comparison import pareto_front
from harness.report.family.entries import KINDS, Entry
from harness.report.family.pruned import Series
from harness.report.plots import Plot, drawn
from harness.report.svg import Width, new_figure
from harness.stats.statistics import ratio, wilson_interval

_COLORS = {
    "float32": colors.QUIET,
    "int8": colors.INK,
    "aware": colors.GPU,
    "few": colors.SOFT,
    "weights": colors.POSTPROCESS,
    "channels": colors.MCU,
    "other": colors.PREPROCESS,
}
_MARKERS = "osD^v"
_HIGHEST = 2.0
"""Of the unpruned network's: what a busy host made of a runtime must not flatten everything else."""


def family_plots(
    entries: Sequence[Entry], channels: Sequence[Series], weights: Sequence[Series]
) -> dict[str, Plot]:
    """The plots for which there are figures, by name."""
    plots = {}
    placed = [entry for entry in entries if entry.inference_us is not None and entry.accuracy is not None]
    if placed:
        plots["front"] = drawn(
            "front",
            lambda width: draw_front(placed, width),
            "Accuracy on the test set against one inference on the board, on a logarithmic scale; the thin "
            "lines are 95 % intervals. Numbered: the Pareto front, those that no other variant beats in "
            "both.",
        )
    if len(timed := [one for one in channels if one.unpruned and len(one.times("mcu")) > 1]):
        plots["channels"] = drawn(
            "channels",
            lambda width: draw_series(timed, _RUNTIMES, width),
            "One inference by the share of the channels that were pruned, against the unpruned network on "
            "the same device. Dashed: the operations that are left.",
        )
    if len(thinned := [one for one in weights if one.unpruned and len(one.times("mcu")) > 1]):
        plots["weights"] = drawn(
            "weights",
            lambda width: draw_series(thinned, _SIZES, width),
            "One inference and the compressed .tflite by the share of the weights that were pruned, "
            "against the unpruned network. Dashed: the parameters that are not zero.",
        )
    return plots


def draw_front(entries: Sequence[Entry], width: Width) -> Figure:
    """Accuracy against latency; the front is numbered, the fastest first."""
    front = pareto_front(entries)
    plot_in, legend_in = width.of(4.4, 3.1), width.of(0.3, 0.9)
    height = plot_in + legend_in
    figure = new_figure(width, height)
    left = width.of(0.55, 0.5) / width.inches
    axes = figure.add_axes((left, 0.45 / height, 0.985 - left, (plot_in - 0.5) / height), xscale="log")
    networks = list(dict.fromkeys(entry.network for entry in entries))
    for entry in reversed(entries):  # where points fall together, what nothing was taken from is above
        color, marker = _COLORS[entry.kind], _MARKERS[networks.index(entry.network) % len(_MARKERS)]
        assert entry.test and entry.inference_us is not None
        (low, high), time = wilson_interval(*entry.test), entry.inference_us
        axes.plot([time, time], [low, high], color=color, linewidth=0.8, alpha=0.45)
        axes.plot([time], [entry.test[0] / entry.test[1]], marker, color=color, markersize=7, alpha=0.9)
    times = [entry.inference_us or 0 for entry in front]
    gains = [entry.accuracy or 0 for entry in front]
    axes.step(times, gains, where="post", color=colors.LINK, linewidth=1.6, zorder=1)
    for number, (time, gain) in enumerate(zip(times, gains, strict=True), 1):
        axes.annotate(
            str(number), (time, gain), (-5, 5), textcoords="offset points", ha="right", fontweight="bold"
        )
    _time_axis(axes, [entry.inference_us or 0 for entry in entries], width)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    _legend(figure, entries, networks, width)
    return figure


def _time_axis(axes: Axes, times_us: Sequence[float], width: Width) -> None:
    low, high = min(times_us) / 1.25, max(times_us) * 1.25
    axes.set_xlim(low, high)
    subs = (1, 2, 5) if math.log10(high / low) < width.of(2.5, 1.2) else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=round(width.of(14, 8))))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short_time(value)))
    axes.set_xlabel("one inference on the board")


def _short_time(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds:g} µs"


def _legend(figure: Figure, entries: Sequence[Entry], networks: Sequence[str], width: Width) -> None:
    kinds = [kind for kind in KINDS if any(entry.kind == kind for entry in entries)]
    handles = [Line2D([], [], marker="s", linestyle="", color=_COLORS[kind], markersize=7) for kind in kinds]
    names = [KINDS[kind] for kind in kinds]
    for network, marker in zip(networks, _MARKERS, strict=False):
        handles.append(
            Line2D([], [], marker=marker, linestyle="", color=colors.SOFT, fillstyle="none", markersize=7)
        )
        names.append(network or "from elsewhere")
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=round(width.of(len(names), 2)),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1,
        handletextpad=0.4,
        columnspacing=1.2,
    )


_Share = Callable[[Entry, Entry], float | None]

_RUNTIMES: dict[str, tuple[str, str, _Share]] = {
    "board": (colors.MCU, "-", lambda one, whole: ratio(one.inference_us, whole.inference_us)),
    "CPU": (colors.CPU, "-", lambda one, whole: ratio(one.host_us("cpu"), whole.host_us("cpu"))),
    "GPU": (colors.GPU, "-", lambda one, whole: ratio(one.host_us("gpu"), whole.host_us("gpu"))),
    "operations": (colors.QUIET, "--", lambda one, whole: ratio(one.operations, whole.operations)),
}
_SIZES: dict[str, tuple[str, str, _Share]] = {
    "board": _RUNTIMES["board"],
    "CPU": _RUNTIMES["CPU"],
    "compressed .tflite": (
        colors.POSTPROCESS,
        "-",
        lambda one, whole: ratio(one.compressed_bytes, whole.compressed_bytes),
    ),
    "parameters not zero": (
        colors.QUIET,
        "--",
        lambda one, whole: ratio(one.remaining_parameters, whole.remaining_parameters),
    ),
}


def draw_series(series: Sequence[Series], what: dict[str, tuple[str, str, _Share]], width: Width) -> Figure:
    """A panel for each network: shares of the first entry, which is the unpruned one, by threshold."""
    columns = min(len(series), round(width.of(2, 1)))
    rows = -(-len(series) // columns)
    height = 3.0 * rows + width.of(0.3, 0.55)
    figure = new_figure(width, height)
    panels = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=width.of(0.55, 0.5) / width.inches,
        right=0.985,
        bottom=0.5 / height,
        top=1 - width.of(0.6, 0.85) / height,
        hspace=0.5,
        wspace=0.16,
    )
    drawn_names: dict[str, Line2D] = {}
    for panel in panels.flat[len(series) :]:
        panel.set_visible(False)
    for axes, one in zip(panels.flat, series, strict=False):
        axes.set_title(one.title, loc="left", fontweight="bold")
        for name, (color, style, share) in what.items():
            points = [
                (entry.threshold or 0.0, value)
                for entry in one.entries
                if (value := share(entry, one.entries[0])) is not None
            ]
            for threshold, value in points:
                if value > _HIGHEST:
                    text = f"↑ {figures.share(value)}"
                    axes.annotate(
                        text, (threshold, _HIGHEST), (0, 5), textcoords="offset points", color=color
                    )
            if len(points) > 1:
                (line,) = axes.plot(
                    [threshold for threshold, _ in points],
                    [min(value, _HIGHEST) for _, value in points],
                    style,
                    color=color,
                    marker="o" if style == "-" else "",
                    markersize=5,
                    linewidth=1.8,
                )
                drawn_names[name] = line
        axes.set_ylim(bottom=0)
        axes.set_xlim(-0.03, 1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        axes.set_xlabel("pruned")
    figure.legend(
        list(drawn_names.values()),
        list(drawn_names),
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=round(width.of(len(drawn_names), 2)),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.6,
        columnspacing=1.4,
    )
    return figure

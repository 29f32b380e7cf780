"""The plot of a study: a panel for each thing that is shown over another, a line for each series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from harness.records.study import Network, Plot, Point, StudyRecord
from harness.report import colors as colors
from harness.report.plots import Plot as PagePlot
from harness.report.studies.names import axis_title, axis_value, series_title
from harness.report.studies.tables import clipped
from harness.report.svg import WIDTHS, Width, inline_svg, new_figure, styled
from harness.stats.pairing import Mean, mean_interval

_COLORS = (colors.CPU, colors.MCU, colors.POSTPROCESS, colors.GPU, colors.PREPROCESS, colors.BAD)
_MARKERS = "osD^vP"
_CONTROL = "random"
_LOGARITHMIC_FROM = 20
"""Sizes that differ by more than this factor are shown on a logarithmic axis."""
_STEP_PT = 2.4
"""Series stand this far beside each other, so that their intervals do not hide one another."""
_PANEL_IN = 2.75
_EDGE_IN = 0.05
"""Nothing is drawn nearer to the edge, where the picture on its own is cut off."""
_TITLES = {
    "accuracy": "accuracy after fine-tuning",
    "accuracy-before": "accuracy before fine-tuning",
    "mse": "squared error of the probabilities",
}


@dataclass(frozen=True)
class _Dot:
    """A point of a line: where, the mean, and the ends of its interval if there is one."""

    x: float
    y: float
    low: float
    high: float


def study_plot(record: StudyRecord, name: str = "") -> PagePlot | None:
    """The study's panels, for each width; None where there is no point to show.

    Args:
        record: the study.
        name: of the plot, unique in the page; the study's where none is given.
    """
    if not record.plots or all(point.after is None for point in record.points):
        return None
    caption = _caption(record)
    svgs = []
    for width in WIDTHS:
        with styled():
            drawn = draw_study(record, width)
            svgs.append(inline_svg(drawn, name or f"study-{record.name}", width, caption))
    return PagePlot(svgs, caption)


def draw_study(record: StudyRecord, width: Width) -> Figure:
    """All panels, in pairs beside each other where there is room, under one legend."""
    columns = 1 if width.name == "narrow" else 2
    rows = math.ceil(len(record.plots) / columns)
    series = list(dict.fromkeys(point.series for point in record.points))
    looks = {item: _look(index, item) for index, item in enumerate(series)}
    handles = [
        Line2D([], [], color=color, marker=marker, markersize=5, label=series_title(item))
        for item, (color, marker) in looks.items()
    ]
    handles.append(Line2D([], [], color=colors.SOFT, linestyle=(0, (4, 3)), label="float32, as trained"))
    per_row = round(width.of(5, 2))
    legend_in = 0.21 * math.ceil(len(handles) / per_row) + _EDGE_IN
    height = rows * _PANEL_IN + legend_in
    figure = new_figure(width, height)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    figure.subplots_adjust(
        left=0.56 / width.inches,
        right=1 - 0.1 / width.inches,
        top=1 - (legend_in + 0.28) / height,
        bottom=0.5 / height,
        hspace=0.42,
        wspace=0.17,
    )
    alike: dict[str, list[Axes]] = {}
    for axes, plot in zip(panels, record.plots, strict=False):
        _draw_panel(axes, plot, record, looks)
        axes.autoscale_view()
        alike.setdefault(plot.measure, []).append(axes)
    for axes in panels[len(record.plots) :]:
        axes.remove()
    for measure, those in alike.items():
        if measure != "mse":
            _share_limits(those)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(_EDGE_IN / width.inches, 1 - _EDGE_IN / height),
        ncols=per_row,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.8,
        columnspacing=1.6,
    )
    return figure


def _look(index: int, series: str) -> tuple[str, str]:
    """Color and marker of a line; chance stands back."""
    if series == _CONTROL:
        return colors.QUIET, "X"
    return _COLORS[index % len(_COLORS)], _MARKERS[index % len(_MARKERS)]


def _draw_panel(axes: Axes, plot: Plot, record: StudyRecord, looks: dict[str, tuple[str, str]]) -> None:
    title = _TITLES[plot.measure]
    if plot.measure == "accuracy" and all(point.before == point.after for point in record.points):
        title = "accuracy"
    elif plot.measure == "accuracy" and record.x == "bits":
        title = "accuracy on the test set"
    axes.set_title(title, loc="left")
    axes.set_xlabel(axis_title(plot.over))
    lines = {series: _line(record, plot, series) for series in looks}
    dots_of_all = [dot for dots in lines.values() for dot in dots]
    _scale_x(axes, plot, [dot.x for dot in dots_of_all])
    # What is drawn beside its place, as the series are, does not count for the limits of itself.
    axes.update_datalim([(dot.x, y) for dot in dots_of_all for y in (dot.low, dot.high)])
    if plot.measure == "mse":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(_power))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(7))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        _draw_baselines(axes, record, looks)
    middle = (len(lines) - 1) / 2
    for index, (series, dots) in enumerate(lines.items()):
        if not dots:
            continue
        color, marker = looks[series]
        beside = ScaledTranslation((index - middle) * _STEP_PT / 72, 0, axes.figure.dpi_scale_trans)
        axes.errorbar(
            [dot.x for dot in dots],
            [dot.y for dot in dots],
            yerr=[[dot.y - dot.low for dot in dots], [dot.high - dot.y for dot in dots]],
            color=color,
            marker=marker,
            markersize=4.5,
            linewidth=1.5,
            elinewidth=1,
            capsize=0,
            transform=axes.transData + beside,
        )


def _line(record: StudyRecord, plot: Plot, series: str) -> list[_Dot]:
    """The dots of a series, from left to right."""
    groups: dict[float, list[Point]] = {}
    for point in record.points:
        if point.series == series and point.after is not None:
            groups.setdefault(point.x, []).append(point)
    return sorted((_dot(record, plot, points) for points in groups.values()), key=lambda dot: dot.x)


def _dot(record: StudyRecord, plot: Plot, points: Sequence[Point]) -> _Dot:
    networks = [point.after for point in points if point.after is not None]
    x = points[0].x
    if plot.over != record.x:
        x = sum(_size(network, plot.over) for network in networks) / len(networks)
    if plot.measure == "mse":
        # On a logarithmic axis the mean of the logarithms, with the interval that belongs to it.
        logs = mean_interval([math.log10(max(point.mse or 0.0, 1e-12)) for point in points])
        return _as_dot(x, Mean(logs.n, 10**logs.mean, _raised(logs.low), _raised(logs.high)))
    if plot.measure == "accuracy-before":
        networks = [point.before for point in points if point.before is not None]
    return _as_dot(x, clipped(mean_interval([record.accuracy(network) for network in networks])))


def _as_dot(x: float, mean: Mean) -> _Dot:
    return _Dot(
        x,
        mean.mean,
        mean.mean if mean.low is None else mean.low,
        mean.mean if mean.high is None else mean.high,
    )


def _raised(exponent: float | None) -> float | None:
    return None if exponent is None else 10**exponent


def _size(network: Network, kind: str) -> float:
    if kind == "operations":
        return 2 * network.macs
    return network.parameters if kind == "parameters" else network.remaining_parameters


def _draw_baselines(axes: Axes, record: StudyRecord, looks: dict[str, tuple[str, str]]) -> None:
    """The networks as they were trained: lines with intervals, a single one where all series share it."""
    used: dict[frozenset[str], list[str]] = {}
    for series in looks:
        own = {point.baseline for point in record.points if point.series == series}
        used.setdefault(frozenset(name for name in own if name is not None), []).append(series)
    for names, series_of_it in used.items():
        if not names:
            continue
        mean = clipped(mean_interval([record.accuracy(record.baselines[name].network) for name in names]))
        color = colors.SOFT if len(used) == 1 else looks[series_of_it[0]][0]
        axes.axhline(mean.mean, color=color, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
        if mean.low is not None and mean.high is not None:
            axes.axhspan(mean.low, mean.high, color=color, alpha=0.1, linewidth=0, zorder=0)


def _scale_x(axes: Axes, plot: Plot, values: Sequence[float]) -> None:
    if plot.over in ("bits", "threshold"):
        places = sorted(set(values))
        axes.set_xticks(places, [axis_value(plot.over, place) for place in places])
        return
    if max(values) > _LOGARITHMIC_FROM * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(_amount))


def _share_limits(panels: Sequence[Axes]) -> None:
    """The same limits for panels of the same accuracies."""
    low = min(axes.dataLim.y0 for axes in panels)
    high = max(axes.dataLim.y1 for axes in panels)
    pad = 0.04 * (high - low)
    for axes in panels:
        axes.set_ylim(max(low - pad, -0.01), min(high + pad, 1.01))


def _amount(value: float, _: int) -> str:
    for unit, size in ((" M", 1e6), (" k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _power(value: float, _: int) -> str:
    return f"{value:g}" if value >= 1e-4 else f"{value:.0e}".replace("e-0", "e-")


def _caption(record: StudyRecord) -> str:
    seeds = len({point.seed for point in record.points})
    clips = len(record.test_labels)
    text = (
        f"Means over {seeds} seeds of {record.network} on {clips} clips of the test set; the bars, and the "
        "band of the network as it was trained, are Student's 95 % intervals over the seeds."
    )
    if any(plot.measure == "mse" for plot in record.plots):
        text += " The squared error is to the probabilities of that network; its means are of logarithms."
    return text

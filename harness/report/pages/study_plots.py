"""The plot of a study: a panel per measure and axis, a line per series, with intervals over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from harness.records.study import Plot, Point, StudyRecord
from harness.report import plot as colors
from harness.report.pages.study_tables import (
    TRAINED,
    axis_title,
    axis_value,
    interval_of,
    mean_accuracy,
    series_title,
    test_set,
)
from harness.report.plot import PERCENT, add_legend, new_figure, render_plot
from harness.report.plot import Plot as PagePlot
from harness.stats.pairing import Mean, mean_interval

_COLORS = (colors.CPU, colors.MCU, colors.POSTPROCESS, colors.GPU, colors.PREPROCESS, colors.BAD)
_MARKERS = "osD^vP"
_CONTROL = "random"
_LOGARITHMIC_FROM = 20
"""Ratio of the largest to the smallest size from which on an axis is logarithmic."""
_STEP_PT = 2.4
"""Distance between series at one x, so that their intervals do not hide one another."""
_PANEL_IN = 2.75
_DASHES = (0, (4, 3))
_SIZES = {"parameters": "parameters", "remaining": "remaining_parameters", "operations": "operations"}
_TITLES = {
    "accuracy": "accuracy on the test set",
    "accuracy-before": "accuracy before fine-tuning",
    "mse": "squared error of the probabilities",
}


class _Dot(NamedTuple):
    x: float
    y: float
    low: float
    high: float


def study_plot(record: StudyRecord) -> PagePlot | None:
    """Draw the study's panels; None if there is no point to show."""
    if not record.plots or all(point.after is None for point in record.points):
        return None
    band = " and as the band of the trained network" if record.baselines else ""
    caption = f"{record.network} on {test_set(record)}: {interval_of(record)}, drawn as bars{band}."
    if any(plot.measure == "mse" for plot in record.plots):
        caption += " The squared error is against the trained network; its means are geometric."
    return render_plot(f"study-{record.name}", lambda: _draw(record), caption)


def _draw(record: StudyRecord) -> Figure:
    series = list(dict.fromkeys(point.series for point in record.points))
    looks = {item: _look(index, item) for index, item in enumerate(series)}
    handles = [Line2D([], [], color=color, marker=marker, markersize=5) for color, marker in looks.values()]
    labels = [*map(series_title, series)]
    if record.baselines:
        handles.append(Line2D([], [], color=colors.SOFT, linestyle=_DASHES))
        labels.append(TRAINED)
    rows, per_row = math.ceil(len(record.plots) / 2), 4
    legend_in = 0.21 * math.ceil(len(labels) / per_row) + 0.05
    height = rows * _PANEL_IN + legend_in
    figure = new_figure(height)
    panels = list(figure.subplots(rows, 2, squeeze=False).flat)
    top, bottom = 1 - (legend_in + 0.28) / height, 0.5 / height
    figure.subplots_adjust(left=0.062, right=0.989, top=top, bottom=bottom, hspace=0.42, wspace=0.17)
    of_accuracy = [axes for axes, plot in zip(panels, record.plots, strict=False) if plot.measure != "mse"]
    for axes in of_accuracy[1:]:
        axes.sharey(of_accuracy[0])
    for axes, plot in zip(panels, record.plots, strict=False):
        _draw_panel(axes, plot, record, looks)
    for axes in panels[len(record.plots) :]:
        axes.remove()
    add_legend(figure, handles, labels, per_row)
    return figure


def _look(index: int, series: str) -> tuple[str, str]:
    if series == _CONTROL:
        return colors.QUIET, "X"
    return _COLORS[index % len(_COLORS)], _MARKERS[index % len(_MARKERS)]


def _draw_panel(axes: Axes, plot: Plot, record: StudyRecord, looks: dict[str, tuple[str, str]]) -> None:
    axes.set_title(_TITLES[plot.measure], loc="left")
    axes.set_xlabel(axis_title(plot.over))
    lines = {series: _line(record, plot, series) for series in looks}
    dots = [dot for line in lines.values() for dot in line]
    _scale_x(axes, plot, [dot.x for dot in dots])
    # Lines that are shifted by points do not count for the limits by themselves.
    axes.update_datalim([(dot.x, y) for dot in dots for y in (dot.low, dot.high)])
    if plot.measure == "mse":
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(7))
        axes.yaxis.set_major_formatter(PERCENT)
        _draw_trained(axes, record, looks)
    middle = (len(lines) - 1) / 2
    for index, (series, line) in enumerate(lines.items()):
        color, marker = looks[series]
        shift = ScaledTranslation((index - middle) * _STEP_PT / 72, 0, axes.figure.dpi_scale_trans)
        if line:
            axes.errorbar(
                [dot.x for dot in line],
                [dot.y for dot in line],
                yerr=[[dot.y - dot.low for dot in line], [dot.high - dot.y for dot in line]],
                color=color,
                marker=marker,
                markersize=4.5,
                elinewidth=1,
                transform=axes.transData + shift,
            )
    axes.autoscale_view()


def _line(record: StudyRecord, plot: Plot, series: str) -> list[_Dot]:
    groups: dict[float, list[Point]] = {}
    for point in record.points:
        if point.series == series and point.after is not None:
            groups.setdefault(point.x, []).append(point)
    return sorted(_dot(record, plot, points) for points in groups.values())


def _dot(record: StudyRecord, plot: Plot, points: Sequence[Point]) -> _Dot:
    networks = [point.after for point in points if point.after is not None]
    x = points[0].x
    if plot.over != record.x:
        size = _SIZES[plot.over]
        x = sum(getattr(network, size) for network in networks) / len(networks)
    if plot.measure == "mse":  # the axis is logarithmic, so the mean is that of the logarithms
        logs = mean_interval([math.log10(max(point.mse or 0.0, 1e-12)) for point in points])
        low, high = (None if end is None else 10**end for end in (logs.low, logs.high))
        mean = Mean(logs.n, 10**logs.mean, low, high)
    else:
        if plot.measure == "accuracy-before":
            networks = [point.before for point in points if point.before is not None]
        mean = mean_accuracy(record, networks)
    low, high = mean.low, mean.high
    return _Dot(x, mean.mean, mean.mean if low is None else low, mean.mean if high is None else high)


def _draw_trained(axes: Axes, record: StudyRecord, looks: dict[str, tuple[str, str]]) -> None:
    """Draw a line with its interval for the networks of each training, in the color of its only series."""
    for training in {base.training: "" for base in record.baselines.values()}:
        own = {key: base.network for key, base in record.baselines.items() if base.training == training}
        series = {point.series for point in record.points if point.baseline in own}
        color = looks[series.pop()][0] if training and len(series) == 1 else colors.SOFT
        mean = mean_accuracy(record, [*own.values()])
        axes.axhline(mean.mean, color=color, linewidth=1.1, linestyle=_DASHES, zorder=1)
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
    axes.xaxis.set_major_formatter(EngFormatter(sep="\u00a0"))

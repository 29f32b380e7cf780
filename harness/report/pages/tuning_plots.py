"""The plot of a tuned recognizer: misses against false accepts without words, and against other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from harness.records.field_record import DetPoint
from harness.report import plot
from harness.report.pages.field_plots import LABEL_PAD, normal, scale_false_accepts, scale_misses
from harness.report.plot import PERCENT, Plot, add_legend, new_figure, render_plot
from harness.stats.tuning.choice import Tuning
from harness.stats.tuning.judging import Candidate

Fronts = Mapping[str, Sequence[Candidate]]

_LINES = {
    "default": ("default average, other thresholds", plot.QUIET),
    "mean": ("means", plot.MCU),
    "exponential": ("exponential averages", plot.POSTPROCESS),
}
_CHOSEN, _DEFAULT = "o", "D"
_SIZES = {_CHOSEN: 12, _DEFAULT: 5}
"""In points: where both recognizers have one place, the diamond lies within the circle."""
_CAPTION = (
    "Keywords missed, on the scale of the normal distribution, against false accepts in audio without words "
    "(left, within the limit of other words) and against other words taken for a keyword (right, within the "
    "limit of false accepts): further down and left is better. Each line follows parameters that no others "
    "beat in both. Circle: the chosen recognizer; diamond: the default."
)


def tuning_plot(name: str, tuning: Tuning) -> Plot:
    """Return the plot of a variant."""
    return render_plot(name, lambda: draw(tuning), _CAPTION)


def draw(tuning: Tuning) -> Figure:
    """Return the figure of a variant."""
    height = 4.4
    figure = new_figure(height)
    handles = [Line2D([], [], color=color, linewidth=1.8) for _, color in _LINES.values()]
    mark: dict[str, Any] = {"color": plot.INK, "linestyle": "", "fillstyle": "none", "markeredgewidth": 2}
    handles += [
        Line2D([], [], marker=marker, markersize=0.75 * size, **mark) for marker, size in _SIZES.items()
    ]
    add_legend(figure, handles, [*(title for title, _ in _LINES.values()), "chosen", "default"], 5)
    left = figure.add_axes((0.08, 0.46 / height, 0.41, 3.6 / height))
    right = figure.add_axes((0.57, 0.46 / height, 0.42, 3.6 / height), sharey=left)
    _draw_false_accepts(left, tuning)
    _draw_accepted(right, tuning)
    scale_misses(left)
    right.set_ylabel("")
    right.tick_params(axis="y", pad=LABEL_PAD)
    return figure


def _draw_false_accepts(axes: Axes, tuning: Tuning) -> None:
    def rate(point: DetPoint) -> float:
        return point.false_accepts / point.hours

    highest = _highest(tuning, tuning.by_false, rate)
    none, most = scale_false_accepts(axes, tuning.chosen.point.hours, highest)
    _draw(axes, tuning, tuning.by_false, lambda point: rate(point) or none, most)


def _draw_accepted(axes: Axes, tuning: Tuning) -> None:
    def share(point: DetPoint) -> float:
        return point.accepted_non_keywords / max(point.non_keywords, 1)

    most = max(_highest(tuning, tuning.by_accepted, share), 0.01) * 1.05
    _draw(axes, tuning, tuning.by_accepted, share, most)
    axes.set_xlim(0, most)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.set_xlabel("other words taken for a keyword")


def _highest(tuning: Tuning, fronts: Fronts, x: Callable[[DetPoint], float]) -> float:
    shown = [*chain.from_iterable(fronts.values()), tuning.chosen, tuning.default]
    return max(x(one.point) for one in shown)


def _draw(axes: Axes, tuning: Tuning, fronts: Fronts, x: Callable[[DetPoint], float], most: float) -> None:
    for name, front in fronts.items():
        if front:
            places = [(x(one.point), _missed(one)) for one in front]
            # To the end of the axis, as more would be allowed there.
            line = [*places, (most, places[-1][1])]
            axes.plot(*zip(*line, strict=True), drawstyle="steps-post", color=_LINES[name][1], linewidth=1.8)
    for marker, one in ((_CHOSEN, tuning.chosen), (_DEFAULT, tuning.default)):
        axes.plot(
            x(one.point), _missed(one), marker, color=plot.INK, markersize=_SIZES[marker], fillstyle="none",
            markeredgewidth=2, clip_on=False, zorder=3,
        )  # fmt: skip


def _missed(one: Candidate) -> float:
    return normal(one.point.misses, one.point.keywords)

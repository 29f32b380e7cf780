"""The plot of a sweep: keywords heard over signal-to-noise ratio and distance."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from harness.report import colors as colors
from harness.report.field.shown import decibels, meters
from harness.report.svg import Width, new_figure

_LINES = (colors.GPU, colors.CPU, colors.POSTPROCESS, colors.MCU, colors.BAD, colors.QUIET)
_MARKERS = "osD^vP"


@dataclass(frozen=True)
class Axis:
    """What a plan varies, as it is drawn.

    Attributes:
        name: the column of the frame.
        title: of the axis.
        show: a value as text.
        missing: where None stands: no noise is infinitely far above any noise, no room nearer than any room.
        missing_title: what None is.
    """

    name: str
    title: str
    show: Callable[[float | None], str]
    missing: float
    missing_title: str

    def place(self, value: float | None) -> float:
        """A number to sort by."""
        return self.missing if value is None or math.isnan(value) else float(value)

    def text(self, place: float) -> str:
        """The value at a place."""
        return self.missing_title if place == self.missing else self.show(place)

    def places(self, frame: pd.DataFrame) -> list[float]:
        """All values, ascending."""
        return sorted(set(map(self.place, frame[self.name])))

    def caption(self, frame: pd.DataFrame) -> str:
        """How to read the plot."""
        lines = f"A line for each {self.other.title}" if len(self.other.places(frame)) > 1 else ""
        spread = "the thin lines are 95 % intervals"
        return f"Keywords heard by {self.title}. {f'{lines}; {spread}' if lines else spread.capitalize()}."

    @property
    def other(self) -> Axis:
        """The one that is not along the axis."""
        return _DISTANCE if self.name == _SNR.name else _SNR


_SNR = Axis("snr_db", "signal-to-noise ratio", decibels, math.inf, "no noise")
_DISTANCE = Axis("distance_m", "distance", meters, -math.inf, "no room")


def sweep_axis(frame: pd.DataFrame) -> Axis | None:
    """Along which a plan has more values, the SNR if as many; None if there is one condition of each.

    Args:
        frame: of `circumstances.conditions_table`, rows with keywords.
    """
    several = [axis for axis in (_SNR, _DISTANCE) if len(axis.places(frame)) > 1]
    return max(several, key=lambda axis: len(axis.places(frame))) if several else None


def draw_sweep(frame: pd.DataFrame, axis: Axis, width: Width) -> Figure:
    """A panel for each variant, a line for each value of the other axis."""
    variants = list(dict.fromkeys(frame["variant"]))
    columns = min(len(variants), round(width.of(3, 1)))
    rows = -(-len(variants) // columns)
    lines = axis.other.places(frame)
    legend_in = 0.28 * -(-len(lines) // round(width.of(6, 3))) if len(lines) > 1 else 0.05
    height = width.of(2.7, 2.3) * rows + legend_in
    figure = new_figure(width, height)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    figure.subplots_adjust(
        left=0.5 / width.inches, right=0.985, bottom=0.45 / height, top=1 - (legend_in + 0.38) / height,
        hspace=0.75, wspace=0.08,
    )  # fmt: skip
    for panel in panels.flat[len(variants) :]:
        panel.set_visible(False)
    for panel, variant in zip(panels.flat, variants, strict=False):
        _draw_variant(panel, frame[frame["variant"] == variant], axis, lines)
        panel.set_title(
            textwrap.fill(variant, round(width.of(100, 44)) // columns), loc="left", fontweight="bold"
        )
        panel.set_xticks(range(len(axis.places(frame))), [axis.text(one) for one in axis.places(frame)])
        panel.set_xlabel(axis.title)
        panel.set_xlim(-0.4, len(axis.places(frame)) - 0.6)
    if len(lines) > 1:
        handles = [
            Line2D(
                [],
                [],
                color=_LINES[index % len(_LINES)],
                marker=_MARKERS[index % len(_MARKERS)],
                markersize=5,
            )
            for index in range(len(lines))
        ]
        figure.legend(
            handles, [axis.other.text(one) for one in lines], loc="upper left", bbox_to_anchor=(0, 1),
            ncols=round(width.of(6, 3)), frameon=False, borderpad=0, borderaxespad=0, handlelength=1.8,
            columnspacing=1.4,
        )  # fmt: skip
    return figure


def _draw_variant(panel: Axes, frame: pd.DataFrame, axis: Axis, lines: list[float]) -> None:
    places = axis.places(frame)
    for index, line in enumerate(lines):
        own = frame[frame[axis.other.name].map(axis.other.place) == line]
        if own.empty:
            continue
        # Side by side, so that no interval hides another one.
        aside = 0.05 * (index - (len(lines) - 1) / 2)
        at = [places.index(axis.place(value)) + aside for value in own[axis.name]]
        color, marker = _LINES[index % len(_LINES)], _MARKERS[index % len(_MARKERS)]
        points = sorted(zip(at, own["accuracy"], own["low"], own["high"], strict=True))
        panel.plot(
            [point[0] for point in points], [point[1] for point in points], color=color, marker=marker,
            markersize=5, linewidth=1.8,
        )  # fmt: skip
        for place, _, low, high in points:
            panel.plot([place, place], [low, high], color=color, linewidth=0.8, alpha=0.6)
    panel.set_ylim(0, 1.03)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))

"""The earlier plotting interface, until its last callers use `harness.report.plot`."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from harness.report import plot


@dataclass(frozen=True)
class Width:
    name: str
    inches: float

    def of(self, wide: float, narrow: float) -> float:
        return wide


WIDTHS = (Width("wide", plot.WIDTH_IN),)


def new_figure(width: Width, height_in: float) -> Figure:
    return plot.new_figure(height_in)


def styled() -> AbstractContextManager[None]:
    return matplotlib.rc_context(plot.STYLE)


def inline_svg(figure: Figure, name: str, width: Width, description: str) -> str:
    text = io.StringIO()
    with matplotlib.rc_context(plot.STYLE | {"svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return plot._inline_svg(text.getvalue(), name, description)

"""The earlier place of plots, until its last users import `harness.report.plot`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from harness.report.plot import render_plot
from harness.report.svg import WIDTHS, Width


@dataclass(frozen=True)
class Plot:
    svgs: list[str]
    caption: str


def drawn(name: str, draw: Callable[[Width], Figure], caption: str) -> Plot:
    return Plot([render_plot(name, lambda: draw(WIDTHS[0]), caption).svg], caption)

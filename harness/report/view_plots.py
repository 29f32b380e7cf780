"""The six views of a recording as plots: for a page, which colors them, and for files of their own."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from harness.report import view_drawing as draw
from harness.report.plots import Plot
from harness.report.svg import WIDTHS, Width, inline_svg, styled
from harness.report.view_data import Times, Views
from harness.report.view_drawing import PAPER, Palette

_DPI = 150

Draw = Callable[[Views, Times, Width, Palette], Figure]


@dataclass(frozen=True)
class View:
    """One of the six: its name in files and ids, its title, how to read it, and how it is drawn."""

    name: str
    title: str
    reading: str
    draw: Draw

    def plot(self, views: Views, times: Times) -> Plot:
        """For a page."""
        caption = self.caption(views)
        svgs = []
        for width in WIDTHS:
            with styled():
                svgs.append(inline_svg(self.draw(views, times, width, Palette()), self.name, width, caption))
        return Plot(svgs, caption)

    def caption(self, views: Views) -> str:
        """How it was computed, and how to read it."""
        method = getattr(views, self.name).method
        return f"{method[0].upper()}{method[1:]}. {self.reading}".strip()

    def files(self, views: Views, times: Times) -> dict[str, bytes]:
        """The plot as a PNG and an SVG file, by suffix, on white; the same bytes every time."""
        with ExitStack() as style:
            style.enter_context(styled())
            style.enter_context(matplotlib.rc_context(_on_paper() | {"svg.hashsalt": self.name}))
            figure = self.draw(views, times, WIDTHS[0], PAPER)
            figure.patch.set(visible=True, facecolor=PAPER.paper)
            png, svg = io.BytesIO(), io.BytesIO()
            shape: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.15, "facecolor": PAPER.paper}
            FigureCanvasAgg(figure)
            figure.savefig(png, format="png", dpi=_DPI, metadata={"Software": None}, **shape)
            FigureCanvasSVG(figure)
            metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(svg, format="svg", metadata=metadata, **shape)
        return {"png": png.getvalue(), "svg": svg.getvalue()}


def _on_paper() -> dict[str, Any]:
    """The report's style with real colors for those that a page would set."""
    return {
        "axes.edgecolor": PAPER.line,
        "axes.labelcolor": PAPER.soft,
        "axes.titlecolor": PAPER.ink,
        "grid.color": PAPER.line,
        "text.color": PAPER.ink,
        "xtick.color": PAPER.soft,
        "ytick.color": PAPER.soft,
    }


ALL_VIEWS = (
    View(
        "waveform",
        "Waveform",
        "Shaded is what stands out, if anything does.",
        draw.waveform,
    ),
    View(
        "spectrum",
        "Spectrum",
        "Level of each frequency; a sine of full scale has −3 dBFS.",
        draw.spectrum,
    ),
    View(
        "spectrogram",
        "Spectrogram",
        "Level of each frequency from moment to moment.",
        draw.spectrogram,
    ),
    View(
        "mel",
        "Mel spectrogram",
        "The bands are as wide as the ear's: narrow below, wide above.",
        draw.mel,
    ),
    View(
        "mfcc",
        "MFCC",
        "The shape of the mel spectrum, coarse below, fine above; the loudness, number 0, is in the CSV.",
        draw.mfcc,
    ),
    View(
        "micro",
        "Micro features: what a model sees",
        "Whole numbers of 16 bits, by the function that every board is checked against. Gain control lifts "
        "what is quiet, the noise reduction takes away what stays.",
        draw.micro,
    ),
)

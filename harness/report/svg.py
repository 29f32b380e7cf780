"""A matplotlib figure as SVG inside a page: small, the same bytes every time, colored by the page."""

from __future__ import annotations

import html
import io
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from harness.report.colors import CSS_VARIABLES, INK, LINE, SOFT

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_STYLE = {
    "svg.fonttype": "none",  # texts stay texts: in the page's font, found by search, read aloud
    "text.parse_math": False,  # a $ in a label is a $
    "font.family": "DejaVu Sans",  # for the layout, as it is wide; the page shows its own
    "font.size": 9,
    "axes.facecolor": "none",
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlesize": 9,
    "axes.titlecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
}


@dataclass(frozen=True)
class Width:
    """A width that a plot is drawn for; the page shows the one that suits the screen.

    Attributes:
        name: "wide" or "narrow".
        inches: of the whole figure, 96 CSS pixels each.
    """

    name: str
    inches: float

    def of(self, wide: float, narrow: float) -> float:
        """The value for this width."""
        return wide if self.name == "wide" else narrow


WIDTHS = (Width("wide", 10.5), Width("narrow", 3.7))
"""A page's column on a desk (1008 px) and on a phone 400 px wide."""


def new_figure(width: Width, height_in: float) -> Figure:
    """An empty figure with a transparent background, in the report's style."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width.inches, height_in))
        figure.patch.set_visible(False)
    return figure


def styled() -> AbstractContextManager[None]:
    """The context in which axes are made and drawn, so that they take the report's style."""
    return matplotlib.rc_context(_STYLE)


def inline_svg(figure: Figure, name: str, width: Width, description: str) -> str:
    """The figure as an `<svg>` element.

    Args:
        figure: what is drawn.
        name: of the plot, unique in the page; goes into ids.
        width: what it is drawn for; becomes the element's class.
        description: what the plot shows, for those who do not see it.
    """
    text = io.StringIO()
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": f"{name}-{width.name}"}):
        FigureCanvasSVG(figure).print_svg(text, metadata=_NO_METADATA)
    drawn = text.getvalue()
    view = re.search(r'viewBox="[^"]*"', drawn)
    assert view, "matplotlib writes a viewBox"
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    prefix = f"{name}-{width.name}-"
    for pattern, replacement in (
        (r"<defs>\s*<style.*?</style>\s*</defs>", ""),  # would hold for the whole page
        (r"<!--.*?-->", ""),
        (r'<g id="[^"]*"', "<g"),
        (r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}"),
        (r"xlink:href", "href"),
        (r"font: bold ([\d.]+px) [^;\"]*", r"font-weight: bold; font-size: \1"),
        (r"font: ([\d.]+px) [^;\"]*", r"font-size: \1"),
        (r"font-family: [^;\"]*; ?", ""),
        (r' transform="rotate\(-0 [^"]*"', ""),
        (r"<g\s*/>", ""),
        (r"\s+", " "),
    ):
        body = re.sub(pattern, replacement, body, flags=re.DOTALL)
    for color, variable in CSS_VARIABLES.items():
        body = body.replace(color, f"var(--{variable})")
    start = (
        f'<svg class="{width.name}" {view[0]} style="max-width:{96 * width.inches:.0f}px" role="img" '
        f'aria-label="{html.escape(description)}">'
    )
    return start + body.strip()

"""Matplotlib figures as SVG inside a page: small, reproducible to the byte, and colored by the page's CSS.

Every plot is drawn for one width. The page scales it; on a phone it scrolls sideways, so text stays legible.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from harness import format as fmt

WIDTH_IN = 9.0
"""Width of a figure; the CSS of `.plot svg` scales it to 704 to 1008 px."""
NARROW_IN = 3.4
"""Width of a figure for a phone, whose text has about the size of the page's."""

# Placeholder colors, which the page replaces by CSS variables for light, dark and print. No real color is so
# near black.
_VARIABLES = "ink soft line paper link mcu cpu gpu preprocess postprocess good bad quiet"
_CSS_VARIABLES = {f"#0101{number:02x}": name for number, name in enumerate(_VARIABLES.split())}
INK, SOFT, LINE, PAPER, LINK, MCU, CPU, GPU, PREPROCESS, POSTPROCESS, GOOD, BAD, QUIET = _CSS_VARIABLES

PERCENT = FuncFormatter(lambda value, _: fmt.percent(value))
"""Axis ticks of fractions."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: shown in the page's font, found by search, read aloud
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
class Plot:
    """A plot for a page: an `<svg>` element, and the caption that says how to read it."""

    svg: str
    caption: str
    narrow: str = ""  # the same for a phone; "" if the plot scrolls there


def render_plot(name: str, draw: Callable[[], Figure], caption: str) -> Plot:
    """Draw a figure and return it as SVG for a page.

    Args:
        name: name of the plot, unique in the page; it goes into ids.
        draw: makes the figure, starting from `new_figure`. It runs in the report's style.
        caption: shown below the plot, and read aloud in its place.
    """
    text = io.StringIO()
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(draw()).print_svg(text, metadata=metadata)
    return Plot(_inline_svg(text.getvalue(), name, caption), caption)


def standalone_svg(plot: Plot) -> str:
    """Return a plot as an SVG file, which has the page's style sheet in it."""
    start, rest = plot.svg.split(">", 1)
    start = start.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{start}><style>{page_style()} svg {{ background: var(--paper); }}</style>{rest}\n"


def page_style() -> str:
    """Return the style sheet of the pages."""
    return files("harness.report").joinpath("templates", "page.css").read_text(encoding="utf-8")


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """Return an empty figure, as wide as the report by default, with a transparent background."""
    figure = Figure(figsize=(width_in, height_in))
    figure.patch.set_visible(False)
    return figure


def add_legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], columns: int) -> None:
    """Put a legend without a frame into the upper left corner of a figure."""
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.6,
        columnspacing=1.4,
    )


def _inline_svg(drawn: str, name: str, description: str) -> str:
    view = re.search(r'viewBox="[^"]*"', drawn)
    assert view, "matplotlib writes a viewBox"
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    for pattern, replacement in (
        (r"<defs>\s*<style.*?</style>\s*</defs>", ""),  # would hold for the whole page
        (r"<!--.*?-->", ""),
        (r'<g id="[^"]*"', "<g"),
        (r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-"),
        (r"xlink:href", "href"),
        (r"font: bold ([\d.]+px) [^;\"]*", r"font-weight: bold; font-size: \1"),
        (r"font: ([\d.]+px) [^;\"]*", r"font-size: \1"),
        (r"font-family: [^;\"]*; ?", ""),
        (r' transform="rotate\(-0 [^"]*"', ""),
        (r"<g\s*/>", ""),
        (r"\s+", " "),
    ):
        body = re.sub(pattern, replacement, body, flags=re.DOTALL)
    for color, variable in _CSS_VARIABLES.items():
        body = body.replace(color, f"var(--{variable})")
    return f'<svg {view[0]} role="img" aria-label="{html.escape(description)}">{body.strip()}'

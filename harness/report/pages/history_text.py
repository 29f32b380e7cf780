"""Format figures of a series precisely enough to show a change of a thousandth."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from harness.records.verdict import Figure, SeriesName
from harness.regression import sentences
from harness.report import format as fmt
from harness.report.pages.history_data import Kind, Series

_NB = "\u00a0"
_SHORT = 18
"""Characters of a text beside figures."""
_LONG = 300
"""Characters of a text that stands alone."""
_MS_FROM_US = 10_000
"""Shortest time that is shown in ms."""


def unit_and_factor(name: SeriesName, value: float) -> tuple[str, float]:
    """Return the unit of an axis up to `value`, and the factor from this unit to the unit of the series."""
    if name.metric.endswith("_us"):
        return ("ms", 1000.0) if value >= _MS_FROM_US else ("µs", 1.0)
    unit = next((unit for unit in ("bytes", "ms", "cycles") if name.metric.endswith(f"_{unit}")), "")
    return unit, 1.0


def amount(value: Figure | None, series: Series, characters: int = _SHORT) -> str:
    """Format a value with its unit: 33.12 ms, 61,312 bytes; a dash for none, the start of a long text."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return fmt.DASH
    if isinstance(value, str):
        return value if len(value) <= characters else f"{value[: characters - 1]}…"
    if series.kind == "time" and series.name.metric.endswith("_us") and abs(value) >= _MS_FROM_US:
        return f"{value / 1000:,.2f}{_NB}ms"
    return sentences.amount(value, series.name).replace(" ", _NB)


def whole(value: Figure | None, series: Series) -> str:
    """Format a value with its unit; of a text as much as a page has room for."""
    return amount(value, series, _LONG)


def change(series: Series) -> str:
    """Format the last night's change against the accepted reference; for texts "the same" or "another"."""
    if series.change is not None:
        return change_text(series.kind, float(series.values[-1]), float(series.accepted[-1]), series.name)
    if series.kind == "text" and series.verdict and series.verdict.reference is not None:
        return "the same" if series.verdict.value == series.verdict.reference else "another"
    return fmt.DASH


def change_text(kind: Kind, value: float, reference: float, name: SeriesName) -> str:
    """Format a change as a share, and for figures that repeat exactly in their unit too: +1 µs, +0.10 %."""
    share = fmt.precise_change(value / reference - 1)
    if kind == "time" or value == reference:
        return share
    unit, _ = unit_and_factor(name, 0.0)
    return f"{value - reference:+,.10g}{_NB}{unit}, {share}".replace("-", "−")


def with_code(sentence: str) -> Markup:
    """Return a sentence as HTML, with its commands between backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(sentence)))


Cell = str | Markup


@dataclass(frozen=True)
class Grid:
    """A table whose cells are texts or HTML.

    Attributes:
        title: label for screen readers.
        columns: header and CSS class of each column.
        rows: cells; a column whose cells are all empty is not shown.
    """

    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        kept = [index for index in range(len(self.columns)) if any(row[index] for row in self.rows)]
        object.__setattr__(self, "columns", [self.columns[index] for index in kept])
        object.__setattr__(self, "rows", [[row[index] for index in kept] for row in self.rows])


def link(title: object, address: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, title)


def badge(status: str) -> Markup:
    return Markup('<span class="status {0}">{0}</span>').format(status) if status else Markup()

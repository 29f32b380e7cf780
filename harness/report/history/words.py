"""Figures of a series as its pages say them: close enough to see a change of a thousandth."""

from __future__ import annotations

import math
import re
from html import escape

from markupsafe import Markup

from harness.records.verdict import Figure, SeriesName
from harness.regression import sentences
from harness.report import format as figures
from harness.report.history.series import Kind, Series

_NB = "\u00a0"
_SHORT = 18
"""Characters of a text beside figures."""
_LONG = 300
"""Characters of a text that stands alone."""
_MS_FROM_US = 10_000
"""Times from here on are told in ms."""


def unit_and_factor(name: SeriesName, value: float) -> tuple[str, float]:
    """The unit that an axis up to `value` has, and what its figures are multiplied by to be the series'."""
    if name.metric.endswith("_us"):
        return ("ms", 1000.0) if value >= _MS_FROM_US else ("µs", 1.0)
    for unit in ("bytes", "ms", "cycles"):
        if name.metric.endswith(f"_{unit}"):
            return unit, 1.0
    return "", 1.0


def amount(value: Figure | None, series: Series) -> str:
    """A value of a series with its unit: 33.12 ms, 61,312 bytes; a dash for none, the start of a long text.

    A time that repeats exactly is told to the hundredth of a µs: a change of a cycle has to be seen.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return figures.DASH
    if isinstance(value, str):
        return value if len(value) <= _SHORT else f"{value[: _SHORT - 1]}…"
    if series.kind == "time" and series.name.metric.endswith("_us") and abs(value) >= _MS_FROM_US:
        return f"{value / 1000:,.2f}{_NB}ms"
    return sentences.amount(value, series.name).replace(" ", _NB)


def whole(value: Figure | None, series: Series) -> str:
    """A value with its unit; of a text all that a page has room for."""
    if isinstance(value, str):
        return value if len(value) <= _LONG else f"{value[:_LONG]}…"
    return amount(value, series)


def change(series: Series) -> str:
    """The last night against the accepted reference, see `change_text`; of texts whether it is the same."""
    share = series.change
    if share is None:
        if series.kind == "text" and series.verdict and series.verdict.reference is not None:
            return "the same" if series.verdict.value == series.verdict.reference else "another"
        return figures.DASH
    return change_text(series.kind, float(series.values[-1]), float(series.accepted[-1]), series.name)


def change_text(kind: Kind, value: float, reference: float, name: SeriesName) -> str:
    """By how much a figure is another one: +2.10 %; of one that repeats exactly in its unit as well.

    Args:
        kind: of the series.
        value: the figure.
        reference: not 0.
        name: of the series, for the unit.
    """
    share = share_text(value / reference - 1)
    if kind == "time" or value == reference:
        return share
    unit, _ = unit_and_factor(name, 0.0)
    return f"{value - reference:+,.10g}{_NB}{unit}, {share}".replace("-", "−")


def share_text(share: float) -> str:
    """A share with its sign, and with as many digits as show that it is not 0: +2.10 %."""
    if not share:
        return f"0{_NB}%"
    digits = 2 if abs(share) >= 0.0001 else 1 - math.floor(math.log10(abs(share))) - 2
    return f"{100 * share:+.{digits}f}{_NB}%".replace("-", "−")


def night_sd_text(night_sd: float | None) -> str:
    """The sd between nights, a share: 0.21 %."""
    return figures.DASH if night_sd is None else f"{100 * night_sd:.2f}{_NB}%"


def with_code(sentence: str) -> Markup:
    """A sentence for the page: what stands between backticks is a command."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(sentence)))


def night_time(started: str) -> str:
    """When a night began: 2026-11-20 13:54."""
    return started[:16].replace("T", " ")

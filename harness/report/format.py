"""Figures as people read them: three significant digits, a unit, and a dash for what was not measured."""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Callable

DASH = "–"
"""Stands for a figure that was not measured; a zero never does."""
_NB = "\u00a0"
"""Keeps a figure and its unit on one line."""


def _dashed(show: Callable[..., str]) -> Callable[..., str]:
    """`show`, but a dash where one of its figures is None or not a number."""

    @functools.wraps(show)
    def shown(*figures: float | None) -> str:
        missing = any(figure is None or not math.isfinite(figure) for figure in figures)
        return DASH if missing else show(*figures)

    return shown


@_dashed
def significant(value: float) -> str:
    """`value` rounded to three significant digits: 0.0123, 21.3, 1,230."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")  # first, as 9.996 becomes 10.0 and not 10.00
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


@_dashed
def duration(microseconds: float) -> str:
    """A time in the unit that suits it: 843 µs, 21.3 ms, 1.20 s."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if abs(microseconds) >= size * 0.9995:  # 999.6 µs would round to 1,000 µs
            return f"{significant(microseconds / size)}{_NB}{unit}"
    return f"{significant(microseconds)}{_NB}µs"


@_dashed
def span(low_us: float, high_us: float) -> str:
    """Two times as a range, the unit once where it is the same: 20.1 to 22.4 ms."""
    low, high = duration(low_us).split(_NB), duration(high_us).split(_NB)
    start = low[:1] if low[1] == high[1] else low
    return f"{_NB.join(start)} to {_NB.join(high)}"


@_dashed
def seconds(value: float) -> str:
    """Audio time in seconds, to a hundredth: 12.34 s."""
    return f"{value:.2f}{_NB}s".replace("-", "−")


@_dashed
def count(value: float) -> str:
    """A whole number with thousands set apart: 16,652."""
    return f"{value:,.0f}"


@_dashed
def share(fraction: float) -> str:
    """A fraction as a percentage: 0.983 is 98.3 %. Only none reads 0 %, and only all reads 100 %."""
    if fraction in (0, 1):
        return f"{100 * fraction:.0f}{_NB}%"
    if 0 < fraction < 0.0005:
        return f"< 0.1{_NB}%"
    if 0.9995 < fraction < 1:
        return f"> 99.9{_NB}%"
    return f"{100 * fraction:.1f}{_NB}%"


def _signed(value: float) -> str:
    """To a tenth, with its sign; 0 if it is none, and 0.0 if it is less than a tenth shows."""
    text = f"{value:+,.1f}".replace("-", "−")
    return "0" if value == 0 else text[1:] if text[1:] == "0.0" else text


@_dashed
def change(fraction: float) -> str:
    """By how much a figure is off, relative to another: −39.2 %, +12.0 %, 0 % if it is equal."""
    return f"{_signed(100 * fraction)}{_NB}%"


@_dashed
def points(difference: float) -> str:
    """A difference of two rates in percentage points: −1.2, +0.4, 0 if they are equal."""
    return _signed(100 * difference)


@_dashed
def points_interval(low: float, high: float) -> str:
    """An interval of a difference of two rates in percentage points: −2.0 to +0.4."""
    return f"{points(low)} to {points(high)}"


@_dashed
def probability(value: float) -> str:
    """A p value: 0.043, or < 0.001."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@_dashed
def interval(low: float, high: float) -> str:
    """An interval of a rate: 81.2 to 94.9 %."""
    return f"{100 * low:.1f} to {100 * high:.1f}{_NB}%"


@_dashed
def of(correct: int, total: int) -> str:
    """A part of a number: 18 of 20."""
    return f"{count(correct)} of {count(total)}"


@_dashed
def times(ratio: float) -> str:
    """A ratio: 541 ×."""
    return f"{significant(ratio)}{_NB}×"


@_dashed
def difference(value: float) -> str:
    """A difference of probabilities: 0 when they are equal, 0.00391, or 2.1e-08 where it is tiny."""
    return significant(value) if value == 0 or value >= 1e-4 else f"{value:.1e}"


def text(value: object) -> str:
    """A text, or the dash for none."""
    return remark(value) or DASH


def remark(value: object) -> str:
    """A text that may well be empty, as a note is most of the time; control characters become �."""
    signs = "" if value is None else str(value).strip()
    return "".join("�" if unicodedata.category(sign)[0] == "C" and sign != "\n" else sign for sign in signs)

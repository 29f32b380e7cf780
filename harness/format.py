"""Formatters: values as people read them, with a unit, three significant digits, and a dash for missing."""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Callable

DASH = "–"  # stands for a value that was not measured; a zero never does
_NB = "\u00a0"  # keeps a value and its unit on one line
_TIME_UNITS = (("s", 1e6), ("ms", 1e3), ("µs", 1.0))


def dashed(show: Callable[..., str]) -> Callable[..., str]:
    """Return `show` with a dash where an argument is None or not finite, and with minus signs."""

    @functools.wraps(show)
    def shown(*values: float | None) -> str:
        if any(value is None or not math.isfinite(value) for value in values):
            return DASH
        return show(*values).replace("-", "−")

    return shown


def _number(pattern: str, factor: float = 1.0) -> Callable[[float | None], str]:
    return dashed(lambda value: pattern.format(factor * value))


plain = _number("{:g}")  # a number that a user chose: 0.5, −60
count = _number("{:,.0f}")  # 16,652
seconds = _number(f"{{:.2f}}{_NB}s")  # 12.34 s
percent = _number(f"{{:g}}{_NB}%", 100)  # a fraction that a user chose: 12.5 %
megabytes = _number(f"{{:,.1f}}{_NB}MB", 1e-6)
dbfs = _number(f"{{:.1f}}{_NB}dBFS")
decibels = _number(f"{{:g}}{_NB}dB")  # a requested SNR
meters = _number(f"{{:g}}{_NB}m")  # a requested distance
added = _number("{:+,.10g}")  # a difference of figures that repeat exactly: +157, −0.5


@dashed
def significant(value: float) -> str:
    """Round to three significant digits: 0.0123, 21.3, 1,230."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")  # first, as 9.996 becomes 10.0 and not 10.00
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def plural(number: int, word: str) -> str:
    """Return a number with its noun: 1 clip, 2 clips."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


@dashed
def of(part: int, whole: int) -> str:
    """Format a part of a number, 18 of 20; a dash where there was nothing to count."""
    return f"{count(part)} of {count(whole)}" if whole else DASH


@dashed
def duration(microseconds: float) -> str:
    """Format a time in the unit that suits it: 843 µs, 21.3 ms, 1.20 s."""
    exact = abs(microseconds) / 0.9995  # 999.6 µs would round to 1,000 µs
    unit, size = next((one for one in _TIME_UNITS if exact >= one[1]), _TIME_UNITS[-1])
    return f"{significant(microseconds / size)}{_NB}{unit}"


@dashed
def span(low_us: float, high_us: float) -> str:
    """Format a range of times, the unit once where it is the same: 20.1 to 22.4 ms."""
    low, high = duration(low_us).split(_NB), duration(high_us).split(_NB)
    start = low[:1] if low[1] == high[1] else low
    return f"{_NB.join(start)} to {_NB.join(high)}"


@dashed
def from_to(before: float, after: float) -> str:
    """Format a value before and after something: 1,500 → 1,200."""
    return f"{before:,.4g} → {after:,.4g}" if max(before, after) < 1000 else f"{before:,.0f} → {after:,.0f}"


@dashed
def round_duration(microseconds: float) -> str:
    """Format a time of an axis tick: 10 µs, 1 ms, 1 s."""
    unit, size = next((one for one in _TIME_UNITS if microseconds >= one[1]), _TIME_UNITS[-1])
    return f"{microseconds / size:g} {unit}"


@dashed
def milliseconds(value: float) -> str:
    """Format a time given in milliseconds in the unit that suits it."""
    return duration(1000 * value)


def audio_time(hours: float | None) -> str:
    """Format a length of audio in the unit that suits it, 14.0 s, 12.1 min, 1.25 h; a dash for none."""
    if not hours:
        return DASH
    units = (("h", 1.0), ("min", 1 / 60), ("s", 1 / 3600))
    unit, size = next((one for one in units if hours >= one[1]), units[-1])
    return f"{significant(hours / size)}{_NB}{unit}"


def date_time(started: str) -> str:
    """Format the ISO time at which a run started: 2026-11-20 13:54."""
    return started[:16].replace("T", " ")


def utc(started: str) -> str:
    """Format the ISO time at which a run started with its time zone; "" if it is unknown."""
    return f"{date_time(started)} UTC" if started else ""


@dashed
def share(fraction: float) -> str:
    """Format a fraction as a percentage: 98.3 %. Only none reads 0 %, and only all reads 100 %."""
    if fraction in (0, 1):
        return f"{100 * fraction:.0f}{_NB}%"
    if 0 < fraction < 0.0005:
        return f"< 0.1{_NB}%"
    if 0.9995 < fraction < 1:
        return f"> 99.9{_NB}%"
    return f"{100 * fraction:,.1f}{_NB}%"


@dashed
def interval(low: float, high: float) -> str:
    """Format an interval of a rate: 81.2 to 94.9 %, 0 to 12.3 %."""
    start, end = (f"{100 * value:.{0 if value in (0, 1) else 1}f}" for value in (low, high))
    return f"{start} to {end}{_NB}%"


@dashed
def points(difference: float) -> str:
    """Format a difference of two rates in percentage points: −1.2, +0.4, 0 for none, 0.0 for very little."""
    text = f"{100 * difference:+,.1f}"
    return "0" if difference == 0 else text[1:] if text[1:] == "0.0" else text


@dashed
def precise_share(fraction: float) -> str:
    """Format a fraction with as many digits as show that it is not 0: 2.10 %, 0.0012 %."""
    if not fraction:
        return f"0{_NB}%"
    digits = 2 if abs(fraction) >= 0.0001 else 1 - math.floor(math.log10(abs(fraction))) - 2
    return f"{100 * fraction:,.{digits}f}{_NB}%"


@dashed
def precise_change(fraction: float) -> str:
    """Format a relative change like `precise_share`, with its sign: +2.10 %, −0.0012 %."""
    return f"{'+' if fraction > 0 else ''}{precise_share(fraction)}"


@dashed
def precise_interval(low: float, high: float) -> str:
    """Format an interval of a relative change: −0.10 % to +2.10 %."""
    return f"{precise_change(low)} to {precise_change(high)}"


@dashed
def points_interval(low: float, high: float) -> str:
    """Format an interval of a difference of two rates in percentage points: −2.0 to +0.4."""
    return f"{points(low)} to {points(high)}"


@dashed
def probability(value: float) -> str:
    """Format a p value: 0.043, or < 0.001."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@dashed
def times(ratio: float) -> str:
    """Format a ratio: 541 ×."""
    return f"{significant(ratio)}{_NB}×"


@dashed
def difference(value: float) -> str:
    """Format a difference of probabilities: 0 where they are equal, 0.00391, or 2.1e−08."""
    return significant(value) if value == 0 or value >= 1e-4 else f"{value:.1e}"


@dashed
def per_hour(rate: float) -> str:
    """Format events per hour: 0.310 per hour."""
    return f"{significant(rate)} per{_NB}hour"


@dashed
def per_hour_interval(low: float, high: float) -> str:
    """Format an interval of events per hour, 0.100 to 2.40; below 3.00 where no event was counted."""
    return f"{significant(low)} to {significant(high)}" if low else f"below {significant(high)}"


def text(value: object) -> str:
    """Return a text, or a dash for none."""
    return remark(value) or DASH


def remark(value: object) -> str:
    """Return a text that may be empty, as a note is most of the time; control characters become �."""
    characters = "" if value is None else str(value).strip()
    return "".join("�" if unicodedata.category(one)[0] == "C" and one != "\n" else one for one in characters)


def yes(value: object) -> str:
    """Return ✓ or ✗."""
    return "✓" if value else "✗"

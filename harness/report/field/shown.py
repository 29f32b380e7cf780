"""Figures that only a field run has, as people read them; a dash for what was not measured."""

from __future__ import annotations

from harness.report import format as figures

_NB = "\u00a0"


def of(part: int | None, whole: int | None) -> str:
    """A part of a number; a dash where there was nothing to count: 18 of 20."""
    return figures.of(part, whole) if whole else figures.DASH


def per_hour(rate: float | None) -> str:
    """Events an hour: 0.310 an hour."""
    return figures.DASH if rate is None else f"{figures.significant(rate)} an{_NB}hour"


def per_hour_interval(low: float | None, high: float | None) -> str:
    """An interval of events an hour: 0.100 to 2.40; where no event was counted its end: below 3.00."""
    if high is None or low is None:
        return figures.DASH
    return (
        f"{figures.significant(low)} to {figures.significant(high)}"
        if low
        else f"below {figures.significant(high)}"
    )


def audio_time(hours: float | None) -> str:
    """A length of audio in the unit that suits it: 14.0 s, 12.1 min, 1.25 h."""
    if not hours:
        return figures.DASH
    for unit, size in (("h", 1.0), ("min", 1 / 60)):
        if hours >= size:
            return f"{figures.significant(hours / size)}{_NB}{unit}"
    return f"{figures.significant(3600 * hours)}{_NB}s"


def milliseconds(value: float | None) -> str:
    """A time in the unit that suits it: 20 ms is 20.0 ms."""
    return figures.DASH if value is None else figures.duration(1000 * value)


def audio_lost(seconds: float | None) -> str:
    """Audio time that was lost; a plain 0 of none."""
    if seconds is None:
        return figures.DASH
    return figures.duration(1e6 * seconds) if seconds else "0"


def plain(value: float | None) -> str:
    """A number as it was asked for: 0.5, −60."""
    return figures.DASH if value is None else f"{value:g}".replace("-", "−")


def level(decibels: float | None) -> str:
    """A level to a tenth: −26.4."""
    return figures.DASH if decibels is None else f"{decibels:.1f}".replace("-", "−")


def meters(value: float | None) -> str:
    """A distance that was asked for: 0.5 m."""
    return figures.DASH if value is None else f"{plain(value)}{_NB}m"


def decibels(value: float | None) -> str:
    """An SNR that was asked for: −5 dB."""
    return figures.DASH if value is None else f"{plain(value)}{_NB}dB"

"""The wording of verdicts: one sentence each, with figures, reference and remedy."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness import format as fmt
from harness.records.verdict import STATUSES, Figure, SeriesName, SeriesVerdict

UNITS = {"_us": "µs", "_nj": "nJ", "_ms": "ms", "_bytes": "bytes", "_cycles": "cycles"}
_LONGEST_TEXT = 80


def acceptance(board: str, name: SeriesName | None = None) -> str:
    """Return the command that accepts a series, or the whole run."""
    series = f" --series {name}" if name else ""
    return f'`earshot baseline accept --board {shlex.quote(board)}{series} --reason "…"`'


def amount(value: Figure, name: SeriesName) -> str:
    """Format a value with its unit."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else f"{value[: _LONGEST_TEXT - 3]}…"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{text} {unit_of(name)}".strip()


def unit_of(name: SeriesName) -> str:
    """Return the unit of a series, "" for none."""
    return next((unit for ending, unit in UNITS.items() if name.metric.endswith(ending)), "")


def rounded(value: float, name: SeriesName) -> str:
    """Format a measured value with its unit, without decimals from 100 on."""
    return f"{digits(value)} {unit_of(name)}"


def digits(value: float) -> str:
    """Format a measured value: without decimals from 100 on, or where it has none."""
    return f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.2f}"


def day(time: str) -> str:
    """Return the day of an ISO 8601 time."""
    return time[:10]


def than(change: float, name: SeriesName) -> str:
    """Format a change of a time or an energy: "2.10 % slower", "2.10 % higher"."""
    words = ("slower", "faster") if name.metric.endswith("_us") else ("higher", "lower")
    return f"{fmt.precise_share(abs(change))} {words[change <= 0]}"


def differences(differing: Mapping[str, tuple[str, str]]) -> str:
    """List the changes of an environment, the board first."""
    order = sorted(differing, key=lambda name: (name != "board", name))
    return ", ".join(f"{name} went from {differing[name][0]} to {differing[name][1]}" for name in order)


def headline(board: str, series: Sequence[SeriesVerdict]) -> str:
    """Return a run's headline: counts by status, then the gravest sentence."""
    if counted := count_statuses(series):
        return f"{counted} of {len(series)} series on {board}: {min(series, key=gravity).sentence}"
    return f"Nothing changed on {board}: all {len(series)} series are as accepted."


def count_statuses(series: Iterable[SeriesVerdict]) -> str:
    """Count the series by status, the gravest first: "1 regressed, 2 new"; "" if all are ok."""
    counts = Counter(verdict.status for verdict in series)
    return ", ".join(f"{counts[each]} {each}" for each in STATUSES if counts[each] and each != "ok")


def gravity(verdict: SeriesVerdict) -> tuple[int, bool, int, float]:
    """Return a sort key: by status, gating before advisory, then stages by their cycles, times by their µs.

    The cycles of a stage change with its code alone, the times with every stage of a listening board. Both
    are sorted by their amount because a stage of 4 µs changes by a percent whenever the end of another stage
    moves into the next whole microsecond.
    """
    kinds = ("_cycles", "_us")
    kind = next((rank for rank, end in enumerate(kinds) if verdict.name.metric.endswith(end)), len(kinds))
    size = abs(verdict.change or 0.0)
    if kind < len(kinds) and isinstance(verdict.reference, int | float):
        size *= verdict.reference
    return STATUSES.index(verdict.status), verdict.advisory, kind, -size

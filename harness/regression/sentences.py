"""What a person reads: one sentence a verdict, with what, by how much, against what, and what to do. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.records.verdict import STATUSES, Figure, SeriesName, SeriesVerdict

_UNITS = {"_us": "µs", "_ms": "ms", "_bytes": "bytes", "_cycles": "cycles"}


def acceptance(board: str, name: SeriesName | None = None) -> str:
    """The command that accepts a series, or the whole night."""
    series = f" --series {name}" if name else ""
    return f'`earshot baseline accept --board {board}{series} --reason "…"`'


def amount(value: Figure, name: SeriesName) -> str:
    """A value with its unit."""
    if isinstance(value, str):
        return value if len(value) <= 80 else f"{value[:77]}…"
    unit = next((unit for ending, unit in _UNITS.items() if name.metric.endswith(ending)), "")
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{text} {unit}".strip()


def day(since: str) -> str:
    """The day of a time of ISO 8601."""
    return since[:10]


def than(change: float, *, time: bool = True) -> str:
    """A share as people say it: "2.10 % slower"."""
    word = ("slower" if change > 0 else "faster") if time else ("larger" if change > 0 else "smaller")
    return f"{abs(change):.2%} {word}"


def changed(board: str, name: SeriesName, value: Figure, accepted: Figure, since: str) -> str:
    """An exact figure that is another one."""
    by = ""
    if not isinstance(value, str) and not isinstance(accepted, str):
        share = f", {value / accepted - 1:+.3%}" if accepted else ""
        by = f" ({value - accepted:+,.10g}{share})"
    return (
        f"{name} changed from {amount(accepted, name)}, accepted on {day(since)}, to {amount(value, name)}"
        f"{by}: undo what changed it, or accept it with {acceptance(board, name)}."
    )


def rebuilt(name: SeriesName, value: Figure, before: Figure, commit: str) -> str:
    """An artifact that one commit made twice, and not the same."""
    return (
        f"{name} is {amount(value, name)} where commit {commit[:10]} made {amount(before, name)} before: "
        f"the build is not reproducible, so look for a path, a time or a tool that changed."
    )


def environment(name: SeriesName, differing: Mapping[str, tuple[str, str]], board: str) -> str:
    """A series on a bench that is no longer the accepted one."""
    return (
        f"{name} was not compared, because {differences(differing)}: take the old environment back, or begin "
        f"a new epoch with {acceptance(board)}."
    )


def differences(differing: Mapping[str, tuple[str, str]]) -> str:
    """What changed of an environment, the board before everything else."""
    order = sorted(differing, key=lambda name: (name != "board", name))
    return ", ".join(f"{name} went from {differing[name][0]} to {differing[name][1]}" for name in order)


def headline(board: str, series: Sequence[SeriesVerdict]) -> str:
    """The sentence of a night: how many of what, then the gravest."""
    counts = Counter(verdict.status for verdict in series)
    if not set(counts) - {"ok"}:
        return f"Nothing changed on {board}: all {len(series)} series are as accepted."
    told = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status] and status != "ok")
    worst = gravest(series)
    return f"{told} of {len(series)} series on {board}: {worst.sentence}"


def gravest(series: Sequence[SeriesVerdict]) -> SeriesVerdict:
    """The one to hear of first, see `gravity`."""
    return min(series, key=gravity)


def gravity(verdict: SeriesVerdict) -> tuple[int, bool, bool, float]:
    """What comes first in order: by its status, what gates, then times by their microseconds.

    Microseconds and not shares: a stage of four of them changes by a percent where only the end of another
    one falls into the next whole microsecond.
    """
    is_time = verdict.name.metric.endswith("_us")
    change = abs(verdict.change or 0.0)
    size = change * verdict.reference if is_time and isinstance(verdict.reference, int | float) else change
    return STATUSES.index(verdict.status), verdict.advisory, not is_time, -size

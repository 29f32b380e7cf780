"""A series in a line: its nights as large as a word, its levels, and the last night's status."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np

from harness.report.history.paths import SHAPES, line, mark, thinned
from harness.report.history.scales import Scale, limits
from harness.report.history.series import Series

WIDTH, HEIGHT = 180, 30
"""In px; the page may stretch the width."""
_EDGE, _RADIUS = 5, 3.2
_STEP_WITH_GAP = 5.0
"""px from which on nights of a strip stand apart."""
_RECENT = 14
"""Latest nights that are always in sight."""


def sparkline(series: Series, first: int = 0) -> str:
    """The series from a night on.

    Args:
        series: what is drawn.
        first: number of the first night.
    """
    last = series.values.size - 1
    there = np.flatnonzero(np.isfinite(series.values))
    return spark(
        series.values[first:],
        series.accepted[last] if series.kind != "text" else np.nan,
        [night - first for night in series.levels if night > first],
        series.statuses[there[-1]] if there.size else "",
        series.title,
    )


def spark(values: np.ndarray, accepted: float, levels: Sequence[int], status: str, title: str) -> str:
    """Nights in a line.

    Args:
        values: (N,), NaN where there is none.
        accepted: a line across; NaN of none.
        levels: which of the nights begin a new level.
        status: of the last night with a value.
        title: what it is, for those who do not see it.
    """
    there = np.flatnonzero(np.isfinite(values))
    if not there.size:
        return ""
    low, high = limits(values, [*values[-_RECENT:].tolist(), *_medians(values, levels), accepted])
    down = Scale(low, high, HEIGHT - _EDGE, _EDGE)
    across = Scale(0, max(values.size - 1, 1), _EDGE, WIDTH - _EDGE)
    parts = []
    if np.isfinite(accepted):
        height = down.at(accepted)
        parts.append(f'<path class="accepted" d="M{_EDGE} {height:.1f}H{WIDTH - _EDGE}"/>')
    if levels:
        ticks = "".join(f"M{across.at(night - 0.5):.1f} 1V{HEIGHT - 1}" for night in levels)
        parts.append(f'<path class="levels" d="{ticks}"/>')
    x, y = thinned(across(np.arange(values.size)), np.clip(values, low, high), WIDTH)
    parts.append(f'<path class="line" d="{line(x, down(y))}"/>')
    last = int(there[-1])
    place = mark(status, across.at(last), down.at(min(max(values[last], low), high)), _RADIUS)
    parts.append(f'<path class="mark {status or "unjudged"}" d="{place}"/>')
    label = html.escape(f"{title}: {values.size} nights, {len(levels)} changes of level")
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def night_strip(statuses: Sequence[str], width: int, height: int = 22) -> str:
    """The gravest status of every night, side by side; where there is little room, of every few nights.

    Args:
        statuses: the gravest first where nights have to share a column.
        width: in px.
        height: likewise.
    """
    order = [*SHAPES]
    columns = min(len(statuses), width // 3)
    edges = np.linspace(0, len(statuses), columns + 1).astype(int)
    gravest = [min(statuses[a:b], key=order.index) for a, b in pairwise(edges)]
    step = min(width / columns, 14.0)
    gap = 1.0 if step >= _STEP_WITH_GAP else 0.0
    by_status: dict[str, list[str]] = {}
    at = 0
    for status, alike in groupby(gravest):
        nights = len(list(alike))
        runs = [(at + index, 1) for index in range(nights)] if gap else [(at, nights)]
        for start, length in runs:
            left = start * step
            cell = f"M{left:.1f} 0h{length * step - gap:.1f}v{height}H{left:.1f}z"
            by_status.setdefault(status, []).append(cell)
        at += nights
    parts = [
        f'<path class="cell {status or "unjudged"}" d="{"".join(d)}"/>' for status, d in by_status.items()
    ]
    label = html.escape(f"{len(statuses)} nights, the gravest status of each")
    return (
        f'<svg class="strip" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def legend(statuses: Sequence[str]) -> str:
    """The marks of statuses with their names; nothing where every night has the same plain one."""
    if not {*statuses} - {"ok"}:
        return ""
    items = (
        f'<li><svg viewBox="0 0 14 14" aria-hidden="true"><path class="mark {status}" '
        f'd="{mark(status, 7, 7, 4.5)}"/></svg>{status}</li>'
        for status in statuses
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _medians(values: np.ndarray, levels: Sequence[int]) -> list[float]:
    """Of each level, those without a value left out."""
    parts = [part[np.isfinite(part)] for part in np.split(values, list(levels))]
    return [float(np.median(part)) for part in parts if part.size]

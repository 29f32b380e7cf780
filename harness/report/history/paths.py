"""Numbers as the `d` of SVG paths, no more of them than there are pixels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from harness.records.verdict import Status

_SHAPES = {
    "up": "l{0} {1}h-{2}z",
    "down": "l{0} -{1}h-{2}z",
    "diamond": "l{0} {0}l-{0} {0}l-{0} -{0}z",
    "square": "h{0}v{0}h-{0}z",
    "cross": "l{2} {2}m-{2} 0l{2} -{2}",
    "dot": "a{0} {0} 0 1 0 {2} 0a{0} {0} 0 1 0 -{2} 0z",
}
SHAPES: dict[Status | str, str] = {
    "regressed": "up",
    "changed": "diamond",
    "broken": "cross",
    "missing": "cross",
    "suspect": "up",
    "canary-moved": "square",
    "env-changed": "square",
    "noisy": "diamond",
    "improved": "down",
    "new": "dot",
    "ok": "dot",
    "": "dot",
}
"""Statuses differ by shape as well as by color."""
_HALF_PIXELS = 1 << 20
"""More than any drawing has in height."""


def line(x: np.ndarray, y: np.ndarray) -> str:
    """A line through points in px, interrupted where one is NaN; (N,) each."""
    parts = []
    pen = "M"
    for across, down in zip(_rounded(x), _rounded(y), strict=True):
        if down != down:
            pen = "M"
        else:
            parts.append(f"{pen}{across:g} {down:g}")
            pen = "L"
    return "".join(parts)


def steps(x: np.ndarray, y: np.ndarray) -> str:
    """A horizontal line in px for each stretch of nights with the same value, joined; (N,) each."""
    if not x.size:
        return ""
    filled = np.concatenate([[np.nan], np.where(np.isfinite(y), np.round(y, 1), np.inf), [np.nan]])
    edges = np.flatnonzero(filled[1:] != filled[:-1])
    half = (x[1] - x[0]) / 2 if x.size > 1 else 2.0
    parts: list[str] = []
    for start, end in pairwise(edges.tolist()):
        if np.isfinite(y[start]):
            joined = parts and start and np.isfinite(y[start - 1])
            left, right = x[start] - half, x[end - 1] + half
            parts.append(f"{'L' if joined else 'M'}{left:.1f} {y[start]:.1f}H{right:.1f}")
    return "".join(parts)


def area(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    """What lies between two lines in px, interrupted where one is NaN; (N,) each."""
    there = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]])))
    parts = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        across = x[start:end] if end - start > 1 else x[start] + np.array([-1.0, 1.0])
        upper = high[start:end] if end - start > 1 else high[[start, start]]
        lower = low[start:end] if end - start > 1 else low[[start, start]]
        there_and_back = np.concatenate([across, across[::-1]]), np.concatenate([upper, lower[::-1]])
        parts.append(line(*there_and_back) + "Z")
    return "".join(parts)


def specks(x: np.ndarray, y: np.ndarray) -> str:
    """Points in px as strokes without length, which round caps make dots; one for each half pixel."""
    there = np.isfinite(y)
    halves = np.round(x[there] * 2).astype(np.int64) * _HALF_PIXELS + np.round(y[there] * 2).astype(np.int64)
    places = (divmod(place, _HALF_PIXELS) for place in np.unique(halves).tolist())
    return "".join(f"M{across / 2:g} {down / 2:g}h0" for across, down in places)


def mark(status: str, x: float, y: float, radius: float) -> str:
    """The shape of a status around a point in px."""
    shape = SHAPES[status]
    if shape in ("up", "down"):
        sign = -1 if shape == "up" else 1
        start = (x, y + sign * 1.2 * radius)
        sizes = (1.15 * radius, 2 * radius, 2.3 * radius)
    elif shape == "diamond":
        start, sizes = (x, y - 1.2 * radius), (1.2 * radius, 0, 0)
    elif shape == "square":
        start, sizes = (x - 0.85 * radius, y - 0.85 * radius), (1.7 * radius, 0, 0)
    elif shape == "cross":
        start, sizes = (x - 0.9 * radius, y - 0.9 * radius), (0, 0, 1.8 * radius)
    else:
        start, sizes = (x - 0.8 * radius, y), (0.8 * radius, 0, 1.6 * radius)
    drawn = _SHAPES[shape].format(*(f"{size:.3g}" for size in sizes))
    return f"M{start[0]:.1f} {start[1]:.1f}{drawn}"


def thinned(x: np.ndarray, y: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """A line with at most two points for each column of px: its lowest and its highest there.

    Args:
        x: (N,) ascending.
        y: (N,) NaN where it is interrupted; a column without any value stays so.
        columns: of the drawing.
    """
    if x.size <= 2 * columns:
        return x, y
    edges = np.linspace(0, x.size, columns + 1).astype(int)[:-1]
    low = np.fmin.reduceat(y, edges)
    high = np.fmax.reduceat(y, edges)
    return np.repeat(x[edges], 2), np.stack([low, high], axis=1).ravel()


def _rounded(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.round(values, 1).tolist()
    return rounded

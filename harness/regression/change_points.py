"""The nights on which the level of a series changed: the exact best division into levels."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

SHORTEST = 3
"""Fewest nights of a level: a single slow night is not a new level."""
PENALTY = 3.0
"""Cost of a further level, times ln n, in absolute deviations."""


def change_points(values: Sequence[float] | np.ndarray, least: float = 0.0) -> list[int]:
    """Return the nights that begin new levels.

    Among all divisions into levels of at least `SHORTEST` nights, choose the one with the smallest sum of
    absolute deviations from the levels' medians plus a penalty of `PENALTY` ln n for each level. Values are
    scaled by the median absolute deviation (MAD) of their first differences, which level changes hardly move.

    PELT looks for the same optimum (R. Killick, P. Fearnhead and I. A. Eckley, "Optimal detection of
    changepoints with a linear computational cost", JASA 107, 2012), with the cost "l1" of the library
    ruptures. That takes 28 s for ten years of one series: while nothing changes, PELT discards hardly any
    candidate. A median is one of the values, so this function follows, from night to night, the best cost
    with each value as the level (functional recursion of R. Maidstone et al., "On optimal multiple
    changepoint algorithms for large data", Statistics and Computing 27, 2017): nights × distinct values,
    30 ms for ten years.

    Args:
        values: one a night, in order of time, all finite.
        least: lower bound for the MAD, in the unit of the values, for a clock with coarse steps.

    Returns:
        Indices of the first nights of new levels, ascending, without 0; none if the MAD and `least` are 0:
        use `steps` then.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.size < 2 * SHORTEST:
        return []
    differences = np.diff(found)
    scale = max(float(np.median(np.abs(differences - np.median(differences)))), least)
    if scale == 0:
        return []
    return _best_division(found / scale, PENALTY * float(np.log(found.size)))


def steps(values: Sequence[object]) -> list[int]:
    """Return the indices at which a value differs from the one before."""
    return [index for index in range(1, len(values)) if values[index] != values[index - 1]]


def _best_division(values: np.ndarray, penalty: float) -> list[int]:
    """Return the first indices of all levels but the first.

    `cost[level]` is the cost of the best division up to a night whose last level is this one and long enough;
    `best[t]` is the smallest of them after t nights.
    """
    levels = np.unique(values)
    count = values.size
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    level_of = np.zeros(count + 1, dtype=np.intp)
    cost = np.full(levels.size, np.inf)
    recent: deque[np.ndarray] = deque(maxlen=SHORTEST)
    for night, value in enumerate(values, start=1):
        deviation = np.abs(levels - value)
        recent.append(deviation)
        cost += deviation
        if night >= SHORTEST:
            begun = sum(recent, start=np.float64(best[night - SHORTEST] + penalty))
            np.minimum(cost, begun, out=cost)
            level_of[night] = cost.argmin()
            best[night] = cost[level_of[night]]

    found = []
    end = count
    while end:
        deviations = np.abs(values[:end] - levels[level_of[end]])
        since = deviations[::-1].cumsum()[::-1]  # cost of the level if it began here
        first = int((best[:end] + since)[: end - SHORTEST + 1].argmin())
        found.append(first)
        end = first
    return found[-2::-1]

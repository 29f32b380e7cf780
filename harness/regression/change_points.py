"""Where the level of a series changed over its nights: the best division into levels, exactly. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

SHORTEST = 3
"""Nights that a level has to last: a single slow night is no new level."""
PENALTY = 3.0
"""Times ln n: what a further level has to be worth, in absolute deviations."""


def change_points(values: Sequence[float] | np.ndarray, least: float = 0.0) -> list[int]:
    """Where new levels begin.

    Of all divisions of the nights into levels of at least `SHORTEST`, the one with the smallest sum of
    absolute deviations from the levels' medians and of a penalty of `PENALTY` ln n a level. Values are scaled
    by the median absolute deviation (MAD) of their first differences, which the changes themselves hardly
    move.

    This is the optimum that PELT looks for (R. Killick, P. Fearnhead and I. A. Eckley, "Optimal detection of
    changepoints with a linear computational cost", JASA 107, 2012), with the cost "l1" of the library
    ruptures, which takes 28 s for ten years of one series: while nothing changes, PELT discards hardly a
    candidate. A median is one of the values, so it is enough to follow, from night to night, the best cost
    with each value as the level (the functional recursion of R. Maidstone et al., "On optimal multiple
    changepoint algorithms for large data", Statistics and Computing 27, 2017): nights × different values,
    30 ms for ten years.

    Args:
        values: one a night, in order of time, all finite.
        least: by which a value may waver at the least, in its own unit; stands in for a smaller MAD, as of a
            clock whose steps are coarse.

    Returns:
        Indices of the first nights of new levels, ascending, without 0; none where nothing wavers and `least`
        is 0: use `steps` there.
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
    """Where a figure that repeats exactly became another one: indices of the first nights with it."""
    return [index for index in range(1, len(values)) if values[index] != values[index - 1]]


def _best_division(values: np.ndarray, penalty: float) -> list[int]:
    """First indices of all levels but the first.

    `cost[level]` is that of the best division up to a night whose last level is this one and is long enough;
    `best[t]` the least of them after t nights.
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
        since = deviations[::-1].cumsum()[::-1]  # of the level, if it began here
        first = int((best[:end] + since)[: end - SHORTEST + 1].argmin())
        found.append(first)
        end = first
    return found[-2::-1]

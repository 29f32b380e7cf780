"""Summaries of samples and confidence intervals of rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

_RULE_OF_THREE = 3.0  # -ln 0.05 is 2.996
_DRAWS = 2000  # of a bootstrap
_Z = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Summary:
    """Order statistics of samples, in their unit; `p95` is interpolated linearly."""

    n: int
    minimum: float
    median: float
    mean: float
    p95: float
    maximum: float


def summarize(samples: ArrayLike) -> Summary:
    """Summarize samples; raises ValueError without samples, or if one of them is not finite."""
    values = np.asarray(samples, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        raise ValueError(f"cannot summarize {values.size} samples, all of which must be finite")
    low, median, p95, high = np.percentile(values, [0, 50, 95, 100]).tolist()
    # Sums of floats can leave the range of the samples by a rounding error.
    return Summary(values.size, low, median, min(max(float(values.mean()), low), high), p95, high)


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a rate, without continuity correction, within [0, 1].

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927).
    Without trials the interval is (0, 1).

    Raises:
        ValueError: the counts are out of range.
    """
    if not 0 <= correct <= total:
        raise ValueError(f"no interval for {correct} of {total}")
    if total == 0:
        return 0.0, 1.0
    rate, whole = correct / total, 2 * (total + _Z**2)
    center = (2 * total * rate + _Z**2) / whole
    reach = _Z / whole * math.sqrt(4 * total * rate * (1 - rate) + _Z**2)
    return center - reach if correct else 0.0, center + reach if correct < total else 1.0


def difference_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Return the 95 % interval of a difference of two independent rates, first minus second, within [-1, 1].

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10: a combination of two Wilson intervals.
    `first` and `second` are successes and trials; without trials a rate can be anything.
    """
    low_1, high_1 = wilson_interval(*first)
    low_2, high_2 = wilson_interval(*second)
    if not first[1] or not second[1]:
        return low_1 - high_2, high_1 - low_2
    rate_1, rate_2 = first[0] / first[1], second[0] / second[1]
    below, above = math.hypot(rate_1 - low_1, high_2 - rate_2), math.hypot(high_1 - rate_1, rate_2 - low_2)
    return rate_1 - rate_2 - below, rate_1 - rate_2 + above


def cluster_interval(values: ArrayLike, clusters: ArrayLike) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of values over independent clusters.

    The trials of a cluster, such as the words of a speaker, depend on each other, so clusters are drawn with
    replacement. With fewer than two clusters there is no interval: (-infinity, infinity).

    Args:
        values: of the trials; they may be negative, as differences of two methods are.
        clusters: the number of each trial's cluster, 0 or more.

    Source: A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application", Cambridge (1997), the
    percentile interval.
    """
    numbers, places, wholes = np.unique(clusters, return_inverse=True, return_counts=True)
    size = len(numbers)
    if size < 2:
        return -math.inf, math.inf
    parts = np.bincount(places, np.asarray(values, np.float64))
    counts = np.random.default_rng(1).multinomial(size, np.full(size, 1 / size), _DRAWS)
    low, high = np.percentile((counts @ parts) / (counts @ wholes), [2.5, 97.5]).tolist()
    return low, high


def cluster_share_interval(right: ArrayLike, clusters: ArrayLike) -> tuple[float, float]:
    """Return the `cluster_interval` of a share; without one if all trials are right, or none."""
    answers = np.asarray(right, bool)
    tells = 0 < answers.sum() < answers.size  # of all or none a bootstrap says nothing
    return cluster_interval(answers, clusters) if tells else (-math.inf, math.inf)


def poisson_interval(events: int, exposure: float) -> tuple[float, float]:
    """Return the 95 % interval of a rate of independent events, per unit of `exposure`.

    With events it is the exact two-sided interval. Without events there is only an upper bound, the rule of
    three, 3 / exposure: at a higher rate the chance of no event is below 5 % (exactly, -ln 0.05 = 2.996). A
    two-sided interval would end at 3.689 / exposure, because it spends half of its 5 % on a lower end that
    is 0 anyway.

    Source: F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936); J. A. Hanley and
    A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).
    Without exposure the interval is (0, infinity).

    Raises:
        ValueError: an argument is below 0, or the exposure is not finite.
    """
    if events < 0 or not 0 <= exposure < math.inf:
        raise ValueError(f"no rate of {events} events in {exposure}")
    if exposure == 0:
        return 0.0, math.inf
    if events == 0:
        return 0.0, _RULE_OF_THREE / exposure
    low = float(special.gammaincinv(events, 0.025))
    high = float(special.gammaincinv(events + 1, 0.975))
    return low / exposure, high / exposure


def pareto_front(costs: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the points that no other beats in both costs, by the first cost.

    A point beats another if it costs no more in either way, and less in one. Equal points are all on the
    front, or none of them.
    """
    chosen: list[int] = []
    for index in sorted(range(len(costs)), key=costs.__getitem__):
        if not chosen or costs[index][1] < costs[chosen[-1]][1] or costs[index] == costs[chosen[-1]]:
            chosen.append(index)
    return chosen


def ratio(value: float | None, reference: float | None) -> float | None:
    """Divide `value` by `reference`; None if one of them was not measured or the reference is 0."""
    return None if value is None or not reference else value / reference

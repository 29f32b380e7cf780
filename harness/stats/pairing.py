"""Paired comparison of two methods on the same clips, over several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
"""Confidence of every two-sided interval here; a p below 1 - CONFIDENCE counts as a difference."""


@dataclass(frozen=True)
class Mean:
    """The mean of `n` repetitions with its interval; `low` and `high` are None if n is 1."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Paired:
    """A paired comparison; rates are 0 to 1, differences -1 to 1.

    Attributes:
        runs: pairs of networks.
        seeds: independent trainings; a seed may have several runs.
        clips: number of clips, the same for every network.
        difference: first rate minus second, mean over all runs.
        low, high: interval of the difference by clips. Each clip counts once, with its mean over the runs,
            because networks tend to fail on the same clips.
        by_seed: mean difference over the seeds, with its t interval.
        only_first, only_second: answers that only one of the two had right, over all runs.
        p: McNemar's exact test of these two counts.
    """

    runs: int
    seeds: int
    clips: int
    difference: float
    low: float
    high: float
    by_seed: Mean
    only_first: int
    only_second: int
    p: float


def mean_interval(values: Sequence[float]) -> Mean:
    """Return the mean of at least one value with Student's t interval.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no mean of no values")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Mean(1, mean, None, None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * deviation / math.sqrt(len(values))
    return Mean(len(values), mean, mean - reach, mean + reach)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test: a binomial test of the discordant clips.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); exact as a sign test.

    Args:
        only_first, only_second: clips that only one of the two had right, 0 or more.

    Raises:
        ValueError: a count is below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"counts below 0: {only_first}, {only_second}")
    both = only_first + only_second
    return float(stats.binomtest(only_first, both).pvalue) if both else 1.0


def holm(values: ArrayLike) -> NDArray[np.float64]:
    """Correct p values for their number, in the same order; NaN is not counted and stays NaN.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).
    """
    p = np.asarray(values, dtype=np.float64)
    order = np.argsort(p)  # NaN last
    remaining = np.maximum(np.isfinite(p).sum() - np.arange(p.size), 1)
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * remaining), 1.0)
    return adjusted


def paired(first: Sequence[Sequence[bool]], second: Sequence[Sequence[bool]], seeds: Sequence[int]) -> Paired:
    """Compare two methods by their right answers.

    Args:
        first: right answers by run and clip, (runs, clips).
        second: the same of the network that each run is paired with, clips in the same order.
        seeds: one for each run.

    Raises:
        ValueError: there are no runs or no clips, or their numbers differ.
    """
    one, two = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.ndim != 2 or one.shape != two.shape or len(seeds) != len(one) or not one.size:
        raise ValueError(f"nothing to pair: {one.shape} and {two.shape} of {len(seeds)} seeds")
    differences = one.astype(np.int8) - two.astype(np.int8)
    # Every seed weighs the same in the mean, however many runs it has.
    per_seed = np.stack(
        [differences[np.asarray(seeds) == seed].mean(axis=0) for seed in sorted(set(seeds))]
    )  # (seeds, clips)
    clips = mean_interval(per_seed.mean(axis=0).tolist())
    only_first, only_second = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(
        runs=len(one),
        seeds=len(per_seed),
        clips=one.shape[1],
        difference=clips.mean,
        low=clips.mean if clips.low is None else clips.low,
        high=clips.mean if clips.high is None else clips.high,
        by_seed=mean_interval(per_seed.mean(axis=1).tolist()),
        only_first=only_first,
        only_second=only_second,
        p=mcnemar(only_first, only_second),
    )

"""Paired comparison of two methods on the same clips, over several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

CONFIDENCE = 0.95
"""Confidence of every two-sided interval here; a p below 1 - CONFIDENCE counts as a difference."""


@dataclass(frozen=True)
class Mean:
    """The mean of `n` repetitions with its interval; None if n is 1."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Paired:
    """A paired comparison; differences are first rate minus second, -1 to 1.

    `low` and `high` are the interval by clips: each clip counts once, with its mean over the runs, because
    networks tend to fail on the same clips.
    """

    runs: int  # pairs of networks
    seeds: int  # independent trainings; a seed may have several runs
    clips: int
    difference: float
    low: float
    high: float
    by_seed: Mean  # of the differences of the seeds
    only_first: int  # answers that only one of the two had right, over all runs
    only_second: int
    p: float  # McNemar's exact test of these two counts


def mean_interval(values: Sequence[float]) -> Mean:
    """Return the mean of at least one value with Student's t interval."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Mean(1, mean, None, None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    reach = float(special.stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(len(values))
    return Mean(len(values), mean, mean - reach, mean + reach)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test: a binomial test of the discordant clips.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); exact as a sign test.
    """
    both = only_first + only_second
    return min(1.0, 2 * float(special.bdtr(min(only_first, only_second), both, 0.5)))


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
    """Compare the right answers (runs, clips) of two methods; `seeds` has one seed for each run.

    Raises:
        ValueError: there are no runs or no clips, or their numbers differ.
    """
    one, two = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.ndim != 2 or one.shape != two.shape or len(seeds) != len(one) or not one.size:
        raise ValueError(f"nothing to pair: answers {one.shape} and {two.shape}, {len(seeds)} seeds")
    differences = one.astype(np.int8) - two.astype(np.int8)
    # Every seed weighs the same in the mean, however many runs it has.
    per_seed = np.stack(
        [differences[np.asarray(seeds) == seed].mean(axis=0) for seed in sorted(set(seeds))]
    )  # (seeds, clips)
    by_clip = mean_interval(per_seed.mean(axis=0).tolist())
    only_first, only_second = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(
        runs=len(one),
        seeds=len(per_seed),
        clips=one.shape[1],
        difference=by_clip.mean,
        low=by_clip.mean if by_clip.low is None else by_clip.low,
        high=by_clip.mean if by_clip.high is None else by_clip.high,
        by_seed=mean_interval(per_seed.mean(axis=1).tolist()),
        only_first=only_first,
        only_second=only_second,
        p=mcnemar(only_first, only_second),
    )

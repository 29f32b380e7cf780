"""Which of two methods recognizes more, on the same clips and over several seeds. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
"""Of every two-sided interval here; a p below 1 - CONFIDENCE counts as a difference."""


@dataclass(frozen=True)
class Mean:
    """The mean of `n` repetitions with its interval; low and high are None of a single one."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Paired:
    """Two methods compared, the second taken from the first; rates 0 to 1, so differences -1 to 1.

    Attributes:
        runs: pairs of networks.
        seeds: repetitions from the training on; a seed may have several runs.
        clips: that every network was given.
        difference: of the rates, mean over all runs.
        low, high: its interval by clips: each clip counts once, with its mean over the runs, because networks
            tend to fail on the same clips.
        by_seed: the difference of every seed, with the t interval over the seeds.
        only_first: answers that the first alone had right, counted over all runs.
        only_second: likewise.
        p: of McNemar's exact test on these two counts.
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


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Mean:
    """The mean of repetitions with Student's t interval.

    Args:
        values: at least one.
        confidence: of the two-sided interval, between 0 and 1.

    Raises:
        ValueError: there are no values, or the confidence is out of its range.
    """
    if not values or not 0 < confidence < 1:
        raise ValueError(f"no mean of {len(values)} values at {confidence}")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Mean(1, mean, None, None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    reach = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * deviation / math.sqrt(len(values))
    return Mean(len(values), mean, mean - reach, mean + reach)


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of McNemar's test: a binomial test of the clips on which two methods differ.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); exact as a sign test.

    Args:
        only_first: clips that only the first had right, 0 or more.
        only_second: clips that only the second had right, 0 or more.

    Raises:
        ValueError: a count is below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"no clips to count: {only_first}, {only_second}")
    both = only_first + only_second
    return float(stats.binomtest(only_first, both).pvalue) if both else 1.0


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number, in the same order.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).
    """
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted


def paired(first: Sequence[Sequence[bool]], second: Sequence[Sequence[bool]], seeds: Sequence[int]) -> Paired:
    """Compares two methods by what they had right.

    Args:
        first: for each run, whether each clip was right, (runs, clips); clips in the same order.
        second: likewise, of the network that each run is paired with.
        seeds: of each run.

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
    by_clip = per_seed.mean(axis=0)
    clips = mean_interval(by_clip.tolist())
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

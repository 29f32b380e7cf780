"""Duration of a call in microseconds: warmed up, repeated, median and quartiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils import benchmark

from harness.link.deadline import Deadline

_WARM_UP_ROUNDS, _WARM_UP_S = 10, 0.1
"""A round is three calls. TorchScript optimizes in its first; the others settle caches and thread pools."""
_FEWEST_BLOCKS = 4
"""Fewer have no quartiles worth the name."""
_SHORTEST_S, _LONGEST_S = 0.25, 0.6
"""Limits of one measurement; six of the longest keep a variant's host figures under 5 s."""
_STEADY = 0.05
"""Distance of the quartiles, as a share of the median, at which a measurement ends early."""


@dataclass(frozen=True)
class Timing:
    """Times of one call.

    Attributes:
        invocations: number of calls.
        median_us: median, in microseconds.
        p25_us, p75_us: quartiles; None where each call took so long that there are too few samples.
    """

    invocations: int
    median_us: float
    p25_us: float | None
    p75_us: float | None


def timing_of(samples_us: Sequence[float], invocations: int) -> Timing:
    """Compute median and quartiles of samples in microseconds."""
    low, median, high = np.percentile(samples_us, [25, 50, 75]).tolist()
    if len(samples_us) < _FEWEST_BLOCKS:
        return Timing(invocations, median, None, None)
    return Timing(invocations, median, low, high)


def time_calls(call: Callable[[], object], threads: int) -> Timing:
    """Time a call with `torch.utils.benchmark`, in blocks long enough to hide the clock's own cost.

    Measuring continues until the blocks agree or the time is up: longer on a busy machine. The quartiles are
    of the blocks' means: they show the machine's variation, not that of single calls.

    Args:
        call: the function to time.
        threads: for torch; other runtimes get theirs when they are set up.
    """
    timer = benchmark.Timer("call()", globals={"call": call}, num_threads=threads)
    warm_up = Deadline(_WARM_UP_S)
    for _ in range(_WARM_UP_ROUNDS):
        timer.timeit(1)
        if warm_up.expired:
            break
    measured = timer.adaptive_autorange(_STEADY, min_run_time=_SHORTEST_S, max_run_time=_LONGEST_S)
    samples_us = [1e6 * seconds for seconds in measured.times]
    return timing_of(samples_us, measured.number_per_run * len(samples_us))

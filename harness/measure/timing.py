"""How long a call takes, in microseconds: warmed up, repeated, median and quartiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils import benchmark

_WARM_UP_CALLS = 20
"""TorchScript optimises in its first two or three calls; the others settle caches and thread pools."""
_RUN_S = 0.3
"""Seven measurements of this length keep a variant's host figures under 4 s."""


@dataclass(frozen=True)
class Timing:
    """What was seen of one call.

    Attributes:
        invocations: how many calls the figures rest on.
        median_us: median, in microseconds.
        p25_us: lower quartile.
        p75_us: upper quartile.
    """

    invocations: int
    median_us: float
    p25_us: float
    p75_us: float


def timing_of(samples_us: Sequence[float], invocations: int) -> Timing:
    """Median and quartiles of samples in microseconds."""
    low, median, high = np.percentile(samples_us, [25, 50, 75]).tolist()
    return Timing(invocations, median, low, high)


def time_calls(call: Callable[[], object], threads: int) -> Timing:
    """Times a call by `torch.utils.benchmark`, in blocks long enough that the clock's own cost is nothing.

    The quartiles are of the blocks' means: they show how much the machine wavered, not single calls.

    Args:
        call: what is timed.
        threads: how many threads torch may use meanwhile; other runtimes are told when they are set up.
    """
    timer = benchmark.Timer("call()", globals={"call": call}, num_threads=threads)
    timer.timeit(_WARM_UP_CALLS)
    measured = timer.blocked_autorange(min_run_time=_RUN_S)
    samples_us = [1e6 * seconds for seconds in measured.times]
    return timing_of(samples_us, measured.number_per_run * len(samples_us))

"""Figures out of samples. Pure: numbers in, frozen dataclasses out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy import stats

_RULE_OF_THREE = 3.0  # -ln 0.05 is 2.996


@dataclass(frozen=True)
class Summary:
    """A set of samples, in their own unit; `p95` is interpolated linearly between the samples beside it."""

    n: int
    minimum: float
    median: float
    mean: float
    p95: float
    maximum: float


def summarize(samples: Sequence[float]) -> Summary:
    """The summary of at least one sample.

    Raises:
        ValueError: there are no samples, or one of them is not finite.
    """
    values = np.asarray(samples, dtype=np.float64)
    if not values.size:
        raise ValueError("no samples to summarize")
    if not np.isfinite(values).all():
        raise ValueError("a sample is not a finite number")
    # Sums of floats can leave the range of the samples by a rounding error.
    mean = min(max(float(values.mean()), float(values.min())), float(values.max()))
    return Summary(
        n=int(values.size),
        minimum=float(values.min()),
        median=float(np.median(values)),
        mean=mean,
        p95=float(np.percentile(values, 95)),
        maximum=float(values.max()),
    )


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a rate, without continuity correction, within [0, 1].

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927).

    Args:
        correct: successes, 0 to `total`.
        total: trials; with none the rate can be anything, (0, 1).
        confidence: of the two-sided interval, between 0 and 1.

    Raises:
        ValueError: counts or confidence outside of these ranges.
    """
    if not (0 <= correct <= total and 0 < confidence < 1):
        raise ValueError(f"no interval for {correct} of {total} at {confidence}")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = correct / total
    weight = 1 + z * z / total
    center = (rate + z * z / (2 * total)) / weight
    reach = z / weight * math.sqrt(rate * (1 - rate) / total + (z / (2 * total)) ** 2)
    # Exactly 0 and 1 at the ends, and never past the rate: rounding errors would.
    low = 0.0 if correct == 0 else min(rate, center - reach)
    high = 1.0 if correct == total else max(rate, center + reach)
    return low, high


def difference_interval(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95
) -> tuple[float, float]:
    """The interval of the difference of two independent rates, the first less the second, within [-1, 1].

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10: Wilson's intervals put together.

    Args:
        first, second: successes and trials; a rate without trials can be anything.
        confidence: of the two-sided interval, between 0 and 1.

    Raises:
        ValueError: see `wilson_interval`.
    """
    low_1, high_1 = wilson_interval(*first, confidence)
    low_2, high_2 = wilson_interval(*second, confidence)
    if not first[1] or not second[1]:
        return low_1 - high_2, high_1 - low_2
    rate_1, rate_2 = first[0] / first[1], second[0] / second[1]
    difference = rate_1 - rate_2
    return (
        difference - math.hypot(rate_1 - low_1, high_2 - rate_2),
        difference + math.hypot(high_1 - rate_1, rate_2 - low_2),
    )


def poisson_interval(events: int, exposure: float) -> tuple[float, float]:
    """The 95 % interval of a rate of independent events, in events per unit of `exposure`.

    With events it is the exact two-sided one. Without any there is only an upper bound, the rule of three,
    3 / exposure: at a higher rate, no event at all has a chance below 5 % (exactly, -ln 0.05 = 2.996). The
    upper end of the two-sided interval would be 3.689 / exposure, because that spends half of its 5 % on a
    lower end, which without events is 0 anyway.

    Source: F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936); J. A. Hanley and
    A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).

    Args:
        events: 0 or more.
        exposure: such as hours, 0 or more; without any the rate can be anything, (0, infinity).

    Raises:
        ValueError: one of them is below 0, or the exposure is not finite.
    """
    if events < 0 or not 0 <= exposure < math.inf:
        raise ValueError(f"no rate of {events} events in {exposure}")
    if exposure == 0:
        return 0.0, math.inf
    if events == 0:
        return 0.0, _RULE_OF_THREE / exposure
    low = float(stats.chi2.ppf(0.025, 2 * events)) / 2
    high = float(stats.chi2.ppf(0.975, 2 * events + 2)) / 2
    return low / exposure, high / exposure


def ratio(value: float | None, reference: float | None) -> float | None:
    """`value` / `reference`; None if one of them was not measured or the reference is 0."""
    if value is None or not reference:
        return None
    return value / reference

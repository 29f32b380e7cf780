"""Figures out of samples. Pure: numbers in, frozen dataclasses out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


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
    centre = (rate + z * z / (2 * total)) / weight
    reach = z / weight * math.sqrt(rate * (1 - rate) / total + (z / (2 * total)) ** 2)
    # Exactly 0 and 1 at the ends, and never past the rate: rounding errors would.
    low = 0.0 if correct == 0 else min(rate, centre - reach)
    high = 1.0 if correct == total else max(rate, centre + reach)
    return low, high


def ratio(value: float | None, reference: float | None) -> float | None:
    """`value` / `reference`; None if one of them was not measured or the reference is 0."""
    if value is None or not reference:
        return None
    return value / reference

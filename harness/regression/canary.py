"""The canary: an image that is never rebuilt, measured first and last; if it moves, the bench changed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from harness import format as fmt
from harness.regression.rule import GATE, GATE_SDS, reference
from harness.regression.sentences import digits
from harness.regression.series import Measured
from models.decoding import Meta


@dataclass(frozen=True)
class CanaryReading:
    """The canary of one night; None for a missing measurement."""

    first: Measured | None
    last: Measured | None


@dataclass(frozen=True)
class CanaryReference:
    """The accepted canary."""

    image: str  # sha256
    reference_us: Annotated[float, Meta(gt=0)]  # geometric mean of the nights
    night_sd: Annotated[float, Meta(ge=0)] = 0.0  # standard deviation between them, a share; 0 for one night


@dataclass(frozen=True)
class CanaryState:
    """The state of the bench on one night."""

    status: Literal["clean", "moved", "missing"]
    factor: float  # divisor of the night's times, near 1
    reason: str = ""  # without a full stop; "" if clean


def canary_state(
    reading: CanaryReading | None, accepted: CanaryReference | None, *, modeled: bool
) -> CanaryState:
    """Compare the night's canary with the accepted one.

    Without an accepted one the factor is 1. A modeled clock repeats exactly, so any difference is a move.
    """
    if accepted is None:
        return CanaryState("clean", 1.0)
    first = reading.first if reading else None
    last = reading.last if reading else None
    if first is None or last is None or first.value_us is None or last.value_us is None:
        return CanaryState("missing", 1.0, _why_missing(first, last))
    limit = 0.0 if modeled else max(GATE, GATE_SDS * accepted.night_sd)
    level = level_us(first.value_us, last.value_us)
    move = level / accepted.reference_us - 1
    moved = ""
    if {first.image, last.image} != {accepted.image}:
        strange = first.image if first.image != accepted.image else last.image
        moved = f"the canary is another image, {strange[:8]} instead of {accepted.image[:8]}"
    elif abs(last.value_us / first.value_us - 1) > limit:
        moved = (
            f"the canary took {digits(first.value_us)} and later {digits(last.value_us)} µs during the night"
        )
    elif abs(move) > limit:
        reference = digits(accepted.reference_us)
        moved = f"the canary took {digits(level)} µs, {fmt.precise_change(move)} against its {reference} µs"
    return CanaryState("moved", 1.0, moved) if moved else CanaryState("clean", level / accepted.reference_us)


def level_us(first_us: float, last_us: float) -> float:
    """Return the geometric mean of both measurements."""
    return first_us if first_us == last_us else math.sqrt(first_us * last_us)


def canary_of(readings: Iterable[CanaryReading | None]) -> CanaryReference | None:
    """Return the reference of nights, with the last image; None if none has a whole canary."""
    levels, image = [], ""
    for reading in readings:
        first, last = (reading.first, reading.last) if reading else (None, None)
        if first and last and first.value_us is not None and last.value_us is not None:
            levels.append(level_us(first.value_us, last.value_us))
            image = first.image
    if not levels:
        return None
    if len(set(levels)) == 1:  # on a modeled clock: a mean of logs would differ in the last digit
        return CanaryReference(image, levels[0])
    found = reference(np.array(levels)[:, None])
    return CanaryReference(image, float(found.center_us[0]), float(found.raw_sd[0]))


def _why_missing(first: Measured | None, last: Measured | None) -> str:
    for when, measurement in (("first", first), ("last", last)):
        if measurement is None:
            return f"the canary was not measured {when}"
        if measurement.value_us is None:
            return f"the {when} canary broke: {measurement.problem}"
    raise AssertionError("neither is missing")

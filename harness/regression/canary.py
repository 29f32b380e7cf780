"""The canary: an image that is never rebuilt, measured first and last. If it moved, the bench did. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from harness.regression.rule import GATE, GATE_SDS, reference
from harness.regression.series import Measured
from models.decoding import Meta


@dataclass(frozen=True)
class CanaryReading:
    """The canary of one night; None where it was not measured."""

    first: Measured | None
    last: Measured | None


@dataclass(frozen=True)
class CanaryReference:
    """The canary as it was accepted.

    Attributes:
        image: its sha256.
        reference_us: geometric mean of the nights, above 0.
        night_sd: between them, a share; 0 if there was one.
    """

    image: str
    reference_us: Annotated[float, Meta(gt=0)]
    night_sd: Annotated[float, Meta(ge=0)] = 0.0


@dataclass(frozen=True)
class CanaryState:
    """What the canary says of a night.

    Attributes:
        status: "clean", "moved", or "missing".
        factor: what times of this night are divided by, near 1.
        reason: without a full stop; "" if it is clean.
    """

    status: Literal["clean", "moved", "missing"]
    factor: float
    reason: str = ""


def canary_state(
    reading: CanaryReading | None, accepted: CanaryReference | None, *, modeled: bool
) -> CanaryState:
    """Whether the night's times may be compared, and what they are divided by.

    Args:
        reading: of the night; None if no canary was measured.
        accepted: None if none is expected: nothing is divided then.
        modeled: whether the clock is a model, which repeats exactly.
    """
    if accepted is None:
        return CanaryState("clean", 1.0)
    first = reading.first if reading else None
    last = reading.last if reading else None
    if first is None or last is None or first.value_us is None or last.value_us is None:
        return CanaryState("missing", 1.0, _why_missing(first, last))
    if {first.image, last.image} != {accepted.image}:
        strange = first.image if first.image != accepted.image else last.image
        return CanaryState(
            "moved", 1.0, f"the canary is another image, {strange[:8]} in place of {accepted.image[:8]}"
        )
    limit = 0.0 if modeled else max(GATE, GATE_SDS * accepted.night_sd)
    drift = last.value_us / first.value_us - 1
    if abs(drift) > limit:
        return CanaryState(
            "moved",
            1.0,
            f"the canary went from {first.value_us:,.0f} to {last.value_us:,.0f} µs in one night",
        )
    level = level_us(first.value_us, last.value_us)
    move = level / accepted.reference_us - 1
    if abs(move) > limit:
        return CanaryState(
            "moved",
            1.0,
            f"the canary took {level:,.0f} µs, {move:+.2%} against its {accepted.reference_us:,.0f} µs",
        )
    return CanaryState("clean", level / accepted.reference_us)


def level_us(first_us: float, last_us: float) -> float:
    """The canary's value of a night, from both of its measurements."""
    return first_us if first_us == last_us else math.sqrt(first_us * last_us)


def canary_of(readings: Iterable[CanaryReading | None]) -> CanaryReference | None:
    """The reference that nights give, with the last image; None if none of them has a whole canary."""
    levels, image = [], ""
    for reading in readings:
        first, last = (reading.first, reading.last) if reading else (None, None)
        if first and last and first.value_us is not None and last.value_us is not None:
            levels.append(level_us(first.value_us, last.value_us))
            image = first.image
    if not levels:
        return None
    if len(set(levels)) == 1:  # of a modeled clock: a mean of logs would not be the same to the last digit
        return CanaryReference(image, levels[0])
    found = reference(np.array(levels)[:, None])
    return CanaryReference(image, float(found.center_us[0]), float(found.raw_sd[0]))


def _why_missing(first: Measured | None, last: Measured | None) -> str:
    for when, measurement in (("first", first), ("last", last)):
        if measurement is None:
            return f"the canary was not measured {when}"
        if measurement.value_us is None:
            return f"the canary that was measured {when} broke: {measurement.problem}"
    raise AssertionError("it is there")

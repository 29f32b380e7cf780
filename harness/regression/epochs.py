"""Which earlier nights tonight is held against: of its epoch, clean, on the accepted level. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.verdict import DEVIATING, SeriesName
from harness.regression.baseline import Epoch, TimeReference
from harness.regression.canary import canary_state
from harness.regression.nights import Night, moment

A_A_NIGHTS = 10
"""Nights of one image that show how much a series wavers by itself, before it may gate."""


@dataclass(frozen=True)
class PastNight:
    """A series on an earlier night.

    Attributes:
        value_us: divided by that night's canary.
        on_level: whether it did not deviate from the reference in force, so that it is a measure of tonight.
    """

    value_us: float
    on_level: bool


def differences(night: Night, epoch: Epoch) -> dict[str, tuple[str, str]]:
    """What is not as it was when the epoch was accepted: by name, what was accepted and what is there."""
    then = {**epoch.environment, "board": epoch.uid, "procedure": str(epoch.procedure)}
    now = {**night.environment, "board": night.uid, "procedure": str(night.procedure)}
    return {
        name: (then.get(name, "nothing"), now.get(name, "nothing"))
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    }


def comparable(night: Night, nights: Iterable[Night], epoch: Epoch) -> list[Night]:
    """The nights of the epoch before this one that may be a measure, in order of time.

    A dirty tree is none: nobody can say what was measured.

    Args:
        night: the one that is judged.
        nights: in order of time.
        epoch: in force.
    """
    return [
        other
        for other in nights
        if moment(epoch.since) <= moment(other.started) < moment(night.started)
        and not other.dirty
        and not other.fault
        and not differences(other, epoch)
    ]


def past(
    name: SeriesName, nights: Sequence[Night], epoch: Epoch, reference: TimeReference
) -> list[PastNight]:
    """A timed series on the nights since its reference that had a clean canary and were not broken.

    Args:
        name: the series.
        nights: of the epoch, see `comparable`.
        epoch: in force.
        reference: of the series.
    """
    found = []
    for night in nights:
        measured = night.times.get(name)
        if measured is None or measured.value_us is None or moment(night.started) < moment(reference.since):
            continue
        canary = canary_state(night.canary, epoch.canary, modeled=night.modeled)
        judged = night.judged.get(name)
        if canary.status == "clean" and (judged is None or judged.status != "broken"):
            deviated = judged is not None and judged.status in DEVIATING and judged.since == reference.since
            found.append(PastNight(measured.value_us / canary.factor, not deviated))
    return found


def same_image_nights(name: SeriesName, night: Night, nights: Iterable[Night]) -> int:
    """On how many nights one and the same image was measured on this board, in any epoch."""
    images = Counter(
        other.times[name].image
        for other in nights
        if (other.uid, other.procedure) == (night.uid, night.procedure)
        and not other.dirty
        and not other.fault
        and name in other.times
        and other.times[name].value_us is not None
    )
    return max(images.values(), default=0)

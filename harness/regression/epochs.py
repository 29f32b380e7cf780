"""Select the earlier nights that a night is compared with: of its epoch, clean, on the accepted level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.footprint import FAST
from harness.records.verdict import DEVIATING, SeriesName
from harness.regression.baseline import Epoch, TimeReference
from harness.regression.canary import CanaryReference, canary_state
from harness.regression.nights import Night, moment

A_A_NIGHTS = 10
"""Nights of one image that show the noise of a series, before it may gate."""

_DEFAULTS = {"footprint": FAST}
"""Values of the environment that a summary leaves out."""


@dataclass(frozen=True)
class PastNight:
    """A series on an earlier night."""

    value_us: float  # divided by that night's canary
    on_level: bool  # true if it did not deviate from the reference in force


def differences(now: Night, then: Night | Epoch) -> dict[str, tuple[str, str]]:
    """Return the environment, board and procedure that differ: by name, the old and the new value."""
    old = {**then.environment, "board": then.uid, "procedure": str(then.procedure)}
    new = {**now.environment, "board": now.uid, "procedure": str(now.procedure)}
    texts = {
        name: (old.get(name, default), new.get(name, default))
        for name in sorted(old.keys() | new.keys())
        for default in [_DEFAULTS.get(name, "nothing")]
    }
    return {name: (before, after) for name, (before, after) in texts.items() if before != after}


def comparable(night: Night, nights: Iterable[Night], epoch: Epoch) -> list[Night]:
    """Return the clean nights of an epoch before this one; `nights` are in order of time."""
    return [
        other
        for other in nights
        if moment(epoch.since) <= moment(other.started) < moment(night.started)
        and other.clean
        and not differences(other, epoch)
    ]


def past(
    name: SeriesName, nights: Sequence[Night], epoch: Epoch, reference: TimeReference
) -> list[PastNight]:
    """Return a timed series on the nights since its reference that had a clean canary and a value."""
    found = []
    for night in nights:
        value_us = clean_us(name, night, epoch.canary)
        judged = night.judged.get(name)
        broken = judged is not None and judged.status == "broken"
        if value_us is not None and not broken and moment(night.started) >= moment(reference.since):
            deviated = judged is not None and judged.status in DEVIATING and judged.since == reference.since
            found.append(PastNight(value_us, not deviated))
    return found


def clean_us(name: SeriesName, night: Night, accepted: CanaryReference | None) -> float | None:
    """Return a time divided by the night's canary; None without a value or a clean canary."""
    measured = night.times.get(name)
    canary = canary_state(night.canary, accepted, modeled=night.modeled)
    if measured is None or measured.value_us is None or canary.status != "clean":
        return None
    return measured.value_us / canary.factor


def same_image_nights(name: SeriesName, night: Night, nights: Iterable[Night]) -> int:
    """Count the nights of the image that was measured most often on this board, in any epoch."""
    images = Counter(
        other.times[name].image
        for other in nights
        if (other.uid, other.procedure) == (night.uid, night.procedure)
        and other.clean
        and name in other.times
        and other.times[name].value_us is not None
    )
    return max(images.values(), default=0)

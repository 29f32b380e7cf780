"""A night as it is judged, and nights that cannot be: a clock that jumped, one id with two contents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression.canary import CanaryReading
from harness.regression.series import Measured

CLOCK_TOLERANCE_S = 60.0
"""By which the host's clock may be set while a night runs; more is a jump."""


@dataclass(frozen=True)
class Night:
    """A night record, as far as it is compared.

    Attributes:
        id: uuid of the run.
        digest: sha256 of the record's content.
        started, ended: ISO 8601, UTC.
        commit: of the code that was measured.
        dirty: whether there were changes that no commit has.
        board: its name on the bench, which is that of its baseline.
        uid: its identity.
        environment: what a time depends on beside the code: fqbn, core, compiler, flags, libraries.
        procedure: version of the way of measuring.
        modeled: whether its clock is a model; such times are exact.
        times: timed series, in µs.
        exact: everything that has to be the same. A name that ends in "_sha256" is compared with nights of
            the same commit only.
        canary: None if it was not measured.
        length_s: by the host's monotonic clock; None if it is not known, as of a run that was taken up again.
        confirmations: second measurements of what was found worse.
        faults: of variants, by variant and engine.
        fault: of the whole night, such as a board that is not there; "" if there was none.
        judged: the verdicts on the series that night; empty for tonight.
    """

    id: str
    digest: str
    started: str
    ended: str
    commit: str
    dirty: bool
    board: str
    uid: str
    environment: Mapping[str, str]
    procedure: int
    modeled: bool
    times: Mapping[SeriesName, Measured] = field(default_factory=dict)
    exact: Mapping[SeriesName, Figure] = field(default_factory=dict)
    canary: CanaryReading | None = None
    length_s: float | None = None
    confirmations: Mapping[SeriesName, Measured] = field(default_factory=dict)
    faults: Mapping[tuple[str, str], str] = field(default_factory=dict)
    fault: str = ""
    judged: Mapping[SeriesName, SeriesVerdict] = field(default_factory=dict)


@dataclass(frozen=True)
class Merged:
    """Nights of several folders.

    Attributes:
        nights: each once, those with a readable clock, the earliest first.
        conflicts: ids that stand for more than one content; these nights are left out.
    """

    nights: tuple[Night, ...]
    conflicts: frozenset[str]


def merge(nights: Iterable[Night]) -> Merged:
    """Nights from wherever they were copied, in the order of time; the order they come in does not matter."""
    digests: dict[str, set[str]] = {}
    by_id: dict[str, Night] = {}
    for night in nights:
        digests.setdefault(night.id, set()).add(night.digest)
        by_id[night.id] = night
    conflicts = frozenset(id for id, found in digests.items() if len(found) > 1)
    whole = [night for night in by_id.values() if night.id not in conflicts and not clock_problem(night)]
    return Merged(tuple(sorted(whole, key=lambda night: (moment(night.started), night.id))), conflicts)


def clock_problem(night: Night) -> str:
    """What is wrong with the host's clock in this night, without a full stop; "" if nothing is."""
    try:
        length_s = (moment(night.ended) - moment(night.started)).total_seconds()
    except ValueError:
        return f"the night has no readable time: {night.started!r} to {night.ended!r}"
    if length_s < 0:
        return (
            f"the host's clock jumped: the night ended at {night.ended}, before it started at {night.started}"
        )
    if night.length_s is not None and abs(length_s - night.length_s) > CLOCK_TOLERANCE_S:
        return (
            f"the host's clock jumped by {length_s - night.length_s:+,.0f} s "
            f"within the night of {night.started}"
        )
    return ""


def overlapping(night: Night, others: Iterable[Night]) -> Night | None:
    """Another night of the same board at the same time, which one board cannot have had.

    A board whose clock is a model is on as many hosts as like, all at the same time of night.
    """
    if night.modeled:
        return None
    for other in others:
        apart = moment(other.ended) <= moment(night.started) or moment(night.ended) <= moment(other.started)
        if other.id != night.id and other.uid == night.uid and not apart:
            return other
    return None


def moment(text: str) -> datetime:
    """A time of ISO 8601.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 does not read the Z
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)

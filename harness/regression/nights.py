"""The summary of a run that is judged; detection of clock jumps and contradicting copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from harness.records.record import CalibrationRow
from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression.canary import CanaryReading
from harness.regression.series import Measured

CLOCK_TOLERANCE_S = 60.0
"""Largest correction of the host's clock during a run; more is a jump."""


@dataclass(frozen=True)
class Night:
    """The summary of a run record, without its samples."""

    id: str  # uuid of the run
    digest: str  # the record's checksum
    started: str  # ISO 8601, UTC, like `ended`
    ended: str
    commit: str  # of the measured code
    dirty: bool  # true if there were uncommitted changes
    board: str  # its name on the bench and of its baseline
    uid: str
    environment: Mapping[str, str]  # influences on times besides the code: core, compiler, flags, libraries
    procedure: int  # see `harness.records.record.PROCEDURE_VERSION`
    modeled: bool  # true for a modeled clock, whose times are exact
    tick_us: float = 1.0  # step of the board's clock
    times: Mapping[SeriesName, Measured] = field(default_factory=dict)  # timed series, in µs
    exact: Mapping[SeriesName, Figure] = field(default_factory=dict)
    """Values that must not change. Names that end in "_sha256" are compared between runs of one commit
    only."""
    canary: CanaryReading | None = None  # None if it was not measured
    length_s: float | None = None  # by the host's monotonic clock; None if unknown, as for a resumed run
    confirmations: Mapping[SeriesName, Measured] = field(default_factory=dict)
    """Second measurements of worse series."""
    faults: Mapping[tuple[str, str], str] = field(default_factory=dict)  # of variants, by variant and engine
    fault: str = ""  # of the whole run, such as a missing board; "" if there was none
    calibrations: Sequence[CalibrationRow] = ()  # of a modeled clock, by images
    judged: Mapping[SeriesName, SeriesVerdict] = field(default_factory=dict)
    """The verdicts on the series that night; empty for tonight."""
    kind: str = ""  # of the board, such as "nano33ble"
    bench: str = ""  # its name, or the host's

    @property
    def clean(self) -> bool:
        """True if the tree was clean and the run did not break."""
        return not self.dirty and not self.fault


def merge(nights: Iterable[Night]) -> tuple[Night, ...]:
    """Return each night once, by time, whatever the order of the input.

    Nights with a clock problem are left out, and all nights of an id that stands for several contents.
    """
    copies: dict[str, dict[str, Night]] = {}
    for night in nights:
        copies.setdefault(night.id, {})[night.digest] = night
    single = [night for found in copies.values() if len(found) == 1 for night in found.values()]
    whole = [night for night in single if not clock_problem(night)]
    return tuple(sorted(whole, key=lambda night: (moment(night.started), night.id)))


def clock_problem(night: Night) -> str:
    """Return the problem of the host's clock during a run, without a full stop; "" if there is none."""
    try:
        length_s = (moment(night.ended) - moment(night.started)).total_seconds()
    except ValueError:
        return f"the run has no readable time: {night.started!r} to {night.ended!r}"
    if length_s < 0:
        return (
            f"the host's clock jumped: the run ended at {night.ended}, before it started at {night.started}"
        )
    if night.length_s is not None and abs(length_s - night.length_s) > CLOCK_TOLERANCE_S:
        return (
            f"the host's clock jumped by {length_s - night.length_s:+,.0f} s "
            f"during the run of {night.started}"
        )
    return ""


def overlapping(night: Night, others: Iterable[Night]) -> Night | None:
    """Return another run of the same board at the same time; None if there is none.

    A board with a modeled clock may run on several hosts at once.
    """
    begin, end = moment(night.started), moment(night.ended)
    same_board = (other for other in others if other.id != night.id and other.uid == night.uid)
    at_once = (other for other in same_board if moment(other.started) < end and begin < moment(other.ended))
    return None if night.modeled else next(at_once, None)


def moment(text: str) -> datetime:
    """Parse an ISO 8601 time.

    Raises:
        ValueError: the text is not one.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

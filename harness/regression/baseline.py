"""What was accepted on a board: epochs, pinned references, exact figures, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.verdict import Figure, SeriesName
from harness.regression.canary import CanaryReference


@dataclass(frozen=True)
class TimeReference:
    """The pinned reference of a timed series.

    Attributes:
        since: start of the first night that is compared with, ISO 8601.
        reference_us: geometric mean of the nights, divided by the canary; above 0.
        night_sd: between them, of the logs; 0 if there was one.
        nights: how many, at least 1.
    """

    since: str
    reference_us: float
    night_sd: float
    nights: int


@dataclass(frozen=True)
class Acceptance:
    """A change that somebody accepted.

    Attributes:
        at: when, ISO 8601.
        night: id of the night that it was taken from.
        commit: that was measured then.
        reason: why.
        series: their names; ("all",) for an epoch's first.
    """

    at: str
    night: str
    commit: str
    reason: str
    series: tuple[str, ...]


@dataclass(frozen=True)
class Epoch:
    """Nights that may be compared: one board, one environment, one way of measuring.

    Attributes:
        number: from 1.
        since: start of its first night, ISO 8601.
        uid: of the board.
        environment: see `Night.environment`.
        procedure: see `Night.procedure`.
        canary: None if none was measured.
        times: timed series with their references.
        exact: everything else with what was accepted.
        accepted: the first made the epoch.
    """

    number: int
    since: str
    uid: str
    environment: Mapping[str, str]
    procedure: int
    canary: CanaryReference | None
    times: Mapping[SeriesName, TimeReference]
    exact: Mapping[SeriesName, Figure]
    accepted: tuple[Acceptance, ...]


@dataclass(frozen=True)
class Baseline:
    """A board's baseline: its name, and its epochs with the one in force last."""

    board: str
    epochs: tuple[Epoch, ...] = field(default=())

    @property
    def epoch(self) -> Epoch | None:
        """The one in force; None if nothing was accepted yet."""
        return self.epochs[-1] if self.epochs else None

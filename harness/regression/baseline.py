"""A board's baseline: what was accepted, when, and why; written as TOML for review."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tomlkit

from harness.files import file_name, write_atomic
from harness.records.verdict import Figure, SeriesName
from harness.regression.canary import CanaryReference
from harness.regression.nights import moment
from models.decoding import Meta, TomlFile

SCHEMA = 1

_HEAD = """\
# The reference of the board's nights. Written by `earshot baseline accept`; review a change like code.
"""


@dataclass(frozen=True)
class TimeReference:
    """The pinned reference of a timed series."""

    since: str  # start of the first night that is compared with it, ISO 8601
    reference_us: Annotated[float, Meta(gt=0)]  # geometric mean of the nights, divided by the canary
    night_sd: Annotated[float, Meta(ge=0)]  # standard deviation of the logs between nights; 0 for one night
    nights: Annotated[int, Meta(ge=1)]  # their number

    def __post_init__(self) -> None:
        moment(self.since)


@dataclass(frozen=True)
class Acceptance:
    """An accepted change."""

    at: str  # time of the acceptance, ISO 8601
    night: str  # id of the accepted night
    commit: str  # the measured commit
    reason: str  # for reviewers
    series: tuple[str, ...]  # the accepted series; ("all",) for the first of an epoch

    def __post_init__(self) -> None:
        moment(self.at)


@dataclass(frozen=True)
class Epoch:
    """Nights that may be compared: one board, one environment, one procedure."""

    number: int  # from 1
    since: str  # start of its first night, ISO 8601
    uid: str
    environment: dict[str, str]  # see `Night.environment`
    procedure: int  # see `Night.procedure`
    times: dict[str, TimeReference]  # references of timed series by the text of their name
    exact: dict[str, Figure]  # accepted values of all other series by the text of their name
    accepted: tuple[Acceptance, ...]  # the acceptances; the first one made the epoch
    canary: CanaryReference | None = None  # None if none was measured

    def __post_init__(self) -> None:
        moment(self.since)
        for name in (*self.times, *self.exact):
            SeriesName.parse(name)

    @property
    def names(self) -> set[SeriesName]:
        return {SeriesName.parse(name) for name in (*self.times, *self.exact)}


@dataclass(frozen=True)
class Baseline:
    """A board's baseline; the last epoch is in force."""

    board: str
    epochs: tuple[Epoch, ...] = ()
    schema: Annotated[int, Meta(ge=SCHEMA, le=SCHEMA)] = SCHEMA

    @property
    def epoch(self) -> Epoch | None:
        """The epoch in force; None if nothing was accepted yet."""
        return self.epochs[-1] if self.epochs else None


def baseline_path(board: str, folder: Path) -> Path:
    return folder / f"{file_name(board)}.toml"


def read_baseline(path: Path) -> Baseline | None:
    """Read what `write_baseline` wrote; None if there is no such file.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or a key is unknown, missing or not allowed.
    """
    return TomlFile(path).read(Baseline) if path.exists() else None


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline atomically."""
    write_atomic(to_toml(baseline), path)


def to_toml(baseline: Baseline) -> str:
    """Return the text of the file; series are sorted, so a changed series is a changed line."""
    data = asdict(baseline)
    for epoch in data["epochs"]:
        for name, reference in epoch["times"].items():
            epoch["times"][name] = tomlkit.inline_table()
            epoch["times"][name].update(reference)
        if epoch["canary"] is None:
            del epoch["canary"]
    return _HEAD + tomlkit.dumps(data, sort_keys=True)

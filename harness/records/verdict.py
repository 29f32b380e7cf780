"""The verdict on a run and on each of its series: status, sentence, figures and exit code."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_REGRESSED

Figure = int | float | str
"""A value of a series: microseconds, bytes, or a text such as a checksum."""

Status = Literal[
    "regressed",
    "changed",
    "broken",
    "missing",
    "suspect",
    "canary-moved",
    "env-changed",
    "noisy",
    "improved",
    "new",
    "ok",
]

STATUSES: tuple[Status, ...] = get_args(Status)
"""The gravest first."""

DEVIATING: frozenset[Status] = frozenset({"regressed", "suspect", "changed", "improved"})
"""Statuses whose value does not count as a measurement of the accepted level."""

_EXIT_CODES = {
    EXIT_REGRESSED: ("regressed", "changed"),
    EXIT_BROKEN: ("broken", "missing"),
    EXIT_CLEAN: ("improved", "new", "ok"),
}
"""Any other status is inconclusive."""


def code_of(status: Status) -> int:
    """Return the exit code of a command that found a status."""
    return next((code for code, of in _EXIT_CODES.items() if status in of), EXIT_INCONCLUSIVE)


@dataclass(frozen=True, order=True)
class SeriesName:
    """A figure that is followed from run to run on one board."""

    variant: str  # id of the model
    engine: str  # the engine that runs it
    metric: str  # with its unit, such as "inference_us" or "flash_bytes"; "-" for a variant without series
    input_mode: str  # the way the input reaches the model, such as "pcm" or "acoustic"; "-" for none

    def __str__(self) -> str:
        return f"{self.variant}/{self.engine}/{self.metric}/{self.input_mode}"

    @property
    def is_variant(self) -> bool:
        """True if the name stands for a variant that failed and has no series."""
        return self.metric == "-"

    @staticmethod
    @functools.lru_cache(maxsize=65_536)  # every run of a history has the same names
    def parse(text: str) -> SeriesName:
        """Parse "variant/engine/metric/input-mode".

        Raises:
            ValueError: the text does not have four parts.
        """
        parts = text.split("/")
        if len(parts) != 4 or not all(parts):
            raise ValueError(f"{text!r} is not a series: write variant/engine/metric/input-mode")
        return SeriesName(*parts)


@dataclass(frozen=True)
class SeriesVerdict:
    """The verdict on one series of a run."""

    series: str  # its name, as `SeriesName` writes it
    status: Status
    sentence: str  # the finding for people: figures, reference, and what to do
    advisory: bool = False
    """True if it does not gate: its noise is not known well enough, or the tree was dirty."""
    value: Figure | None = None  # of this run, in the unit of the metric; None if there is none
    reference: Figure | None = None  # the value that it was compared with; None if there is none
    change: float | None = None  # of the value, a share of the reference; None without a reference
    limit: float | None = None
    """Largest time that would have been "ok", in µs; None where the rule does not apply."""
    nights: int = 0  # number of nights in the reference
    night_sd: float | None = None  # standard deviation between them, a share; None if unknown
    since: str = ""  # start of the reference, ISO 8601; "" if there is none
    to_confirm: bool = False  # true if the series should be measured again at once and judged again

    def __post_init__(self) -> None:
        SeriesName.parse(self.series)

    @property
    def name(self) -> SeriesName:
        return SeriesName.parse(self.series)

    @property
    def exit_code(self) -> int:
        """The exit code of a command that found nothing else."""
        return EXIT_CLEAN if self.advisory and self.status in DEVIATING else code_of(self.status)


@dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run."""

    run: str
    board: str
    status: Status  # the gravest of its series, or "broken" for a run that cannot be judged
    sentence: str
    exit_code: int  # of the command that judged it
    series: tuple[SeriesVerdict, ...] = ()  # sorted by name
    differences: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Changes of the environment, by name: the accepted value and the one of this run."""
    proposes_epoch: bool = False  # true if `earshot baseline accept` would begin a new epoch

    @property
    def to_confirm(self) -> tuple[SeriesName, ...]:
        """The series to measure again at once; empty after the confirmation."""
        return tuple(item.name for item in self.series if item.to_confirm)


def exit_code(series: Iterable[SeriesVerdict], *, dirty: bool) -> int:
    """Return a run's exit code: regressed before broken before inconclusive.

    In a dirty tree, one with uncommitted changes, a deviation is inconclusive.
    """
    series = list(series)
    codes = {item.exit_code for item in series}
    if dirty and any(item.status in DEVIATING - {"improved"} for item in series):
        codes.add(EXIT_INCONCLUSIVE)
    order = (EXIT_REGRESSED, EXIT_BROKEN, EXIT_INCONCLUSIVE)
    return next((code for code in order if code in codes), EXIT_CLEAN)

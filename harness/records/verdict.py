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

_EXIT_CODES: dict[Status, int] = {
    "regressed": EXIT_REGRESSED,
    "changed": EXIT_REGRESSED,
    "broken": EXIT_BROKEN,
    "missing": EXIT_BROKEN,
    "suspect": EXIT_INCONCLUSIVE,
    "canary-moved": EXIT_INCONCLUSIVE,
    "env-changed": EXIT_INCONCLUSIVE,
    "noisy": EXIT_INCONCLUSIVE,
    "improved": EXIT_CLEAN,
    "new": EXIT_CLEAN,
    "ok": EXIT_CLEAN,
}


@dataclass(frozen=True, order=True)
class SeriesName:
    """A figure that is followed from run to run on one board.

    Attributes:
        variant: id of the model.
        engine: the engine that runs it.
        metric: with its unit, such as "inference_us" or "flash_bytes"; "-" for a variant without series.
        input_mode: the way the input reaches the model, such as "pcm" or "acoustic"; "-" for none.
    """

    variant: str
    engine: str
    metric: str
    input_mode: str

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
    """The verdict on one series of a run.

    Attributes:
        series: its name, as `SeriesName` writes it.
        status: one of `STATUSES`.
        sentence: the finding for people: figures, reference, and what to do.
        advisory: true if it does not gate: its noise is not known well enough, or the tree was dirty.
        value: of this run, in the unit of the metric; None if there is none.
        reference: the value that it was compared with; None if there is none.
        change: of the value, a share of the reference; None without a reference.
        limit: largest time that would have been "ok", in µs; None where the rule does not apply.
        nights: number of nights in the reference.
        night_sd: standard deviation between them, a share; None if unknown.
        since: start of the reference, ISO 8601; "" if there is none.
        to_confirm: true if the series should be measured again at once and judged again.
    """

    series: str
    status: Status
    sentence: str
    advisory: bool = False
    value: Figure | None = None
    reference: Figure | None = None
    change: float | None = None
    limit: float | None = None
    nights: int = 0
    night_sd: float | None = None
    since: str = ""
    to_confirm: bool = False

    def __post_init__(self) -> None:
        SeriesName.parse(self.series)

    @property
    def name(self) -> SeriesName:
        return SeriesName.parse(self.series)

    @property
    def exit_code(self) -> int:
        """The exit code of a command that found nothing else."""
        return EXIT_CLEAN if self.advisory and self.status in DEVIATING else _EXIT_CODES[self.status]


@dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run.

    Attributes:
        run: its id.
        board: the name of its board.
        status: the gravest of its series, or "broken" for a run that cannot be judged.
        sentence: the headline.
        exit_code: of the command that judged it.
        series: sorted by name.
        differences: of the environment, by name: the accepted value and the one of this run.
        proposes_epoch: true if `earshot baseline accept` would begin a new epoch.
    """

    run: str
    board: str
    status: Status
    sentence: str
    exit_code: int
    series: tuple[SeriesVerdict, ...] = ()
    differences: dict[str, tuple[str, str]] = field(default_factory=dict)
    proposes_epoch: bool = False

    @property
    def to_confirm(self) -> tuple[SeriesName, ...]:
        """The series to measure again at once; empty after the confirmation."""
        return tuple(item.name for item in self.series if item.to_confirm)


def exit_code(series: Iterable[SeriesVerdict], *, dirty: bool) -> int:
    """Return a run's exit code: regressed before broken before inconclusive.

    Args:
        series: all of the run.
        dirty: true if the tree had uncommitted changes; a deviation is then inconclusive.
    """
    series = list(series)
    codes = {item.exit_code for item in series}
    if dirty and any(item.status in DEVIATING - {"improved"} for item in series):
        codes.add(EXIT_INCONCLUSIVE)
    order = (EXIT_REGRESSED, EXIT_BROKEN, EXIT_INCONCLUSIVE)
    return next((code for code in order if code in codes), EXIT_CLEAN)

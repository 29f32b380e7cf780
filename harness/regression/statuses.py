"""What can be said of a series and of a night. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import EXIT_BROKEN, EXIT_CLEAN, EXIT_INCONCLUSIVE, EXIT_REGRESSED
from harness.regression.series import SeriesKey

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

STATUSES: tuple[Status, ...] = (
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
)
"""In the order in which a reader wants to hear of them."""

DEVIATING: frozenset[Status] = frozenset({"regressed", "suspect", "changed", "improved"})
"""Nights of which are no measure of the next, as long as the reference stays what it was."""

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


@dataclass(frozen=True)
class SeriesVerdict:
    """What is said of one series.

    Attributes:
        key: which.
        status: one of `STATUSES`.
        sentence: what, by how much, against what, and what to do.
        advisory: whether it does not gate: its noise is not known well enough yet, or the tree was dirty.
        value: tonight's, in the unit of the metric; None if there is none.
        reference: what it was held against; None if there is nothing.
        change: of the value, a share of the reference; None where there is none.
        limit: a time up to which nothing would have been said; None where there is no such rule.
        nights: how many the reference rests on.
        night_sd: between them, a share; None if it is not known.
        since: of the reference, ISO 8601; "" if there is none.
        to_confirm: whether it should be measured again at once, and judged again.
    """

    key: SeriesKey
    status: Status
    sentence: str
    advisory: bool = False
    value: int | float | str | None = None
    reference: int | float | str | None = None
    change: float | None = None
    limit: float | None = None
    nights: int = 0
    night_sd: float | None = None
    since: str = ""
    to_confirm: bool = False

    @property
    def exit_code(self) -> int:
        """What a command ends with if this is all there is."""
        return EXIT_CLEAN if self.advisory and self.status in DEVIATING else _EXIT_CODES[self.status]


@dataclass(frozen=True)
class NightVerdict:
    """What is said of a night.

    Attributes:
        night: its id.
        board: its name.
        status: the first of `STATUSES` that a series has, or "broken" for a night that cannot be judged.
        sentence: the one to read in the morning.
        series: by name.
        exit_code: of the command that judged it.
        differences: of the environment, each with what was accepted and what is there tonight.
        proposes_epoch: whether `earshot baseline accept` would begin a new epoch.
    """

    night: str
    board: str
    status: Status
    sentence: str
    series: tuple[SeriesVerdict, ...]
    exit_code: int
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    proposes_epoch: bool = False

    @property
    def to_confirm(self) -> tuple[SeriesKey, ...]:
        """What should be measured again at once; empty in a verdict that took the confirmations in."""
        return tuple(verdict.key for verdict in self.series if verdict.to_confirm)


def exit_code(series: tuple[SeriesVerdict, ...], *, dirty: bool) -> int:
    """Of a night: a regression before what is broken, and that before what is undecided.

    Args:
        series: all of the night.
        dirty: whether the tree was: what deviates then is neither clean nor regressed.
    """
    codes = {verdict.exit_code for verdict in series}
    if dirty and any(verdict.status in DEVIATING - {"improved"} for verdict in series):
        codes.add(EXIT_INCONCLUSIVE)
    order = (EXIT_REGRESSED, EXIT_BROKEN, EXIT_INCONCLUSIVE)
    return next((code for code in order if code in codes), EXIT_CLEAN)

"""The history of one board: its nights, its baseline, its series, and what changed around it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from harness.records.verdict import STATUSES, RunVerdict, Status
from harness.regression.baseline import Baseline, Epoch
from harness.regression.epochs import differences
from harness.regression.nights import Night, moment
from harness.regression.verdict import judge
from harness.report.history.series import Series
from harness.report.history.series_builder import Frame, identity


@dataclass(frozen=True)
class EnvironmentChange:
    """What was not as on the night before.

    Attributes:
        night: number of the first night with it.
        differing: by name, what was there and what is.
    """

    night: int
    differing: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, eq=False)
class BoardHistory:
    """Everything that is shown of a board.

    Attributes:
        name: of the board.
        nights: N of them in order of time, at least 1.
        baseline: None if nothing was accepted.
        verdict: of the last night.
        series: by name.
        canary_us: (N, 2), first and last; NaN where it was not measured.
        canary_accepted_us: (N,), NaN where none was.
        changes: of the environment, in order of time.
        statuses: (N,) the gravest of each night; "" of those that nobody judged.
    """

    name: str
    nights: tuple[Night, ...]
    baseline: Baseline | None
    verdict: RunVerdict
    series: tuple[Series, ...]
    canary_us: np.ndarray
    canary_accepted_us: np.ndarray
    changes: tuple[EnvironmentChange, ...]
    statuses: tuple[Status | Literal[""], ...]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Of the nights by their ids."""
        return {night.id: number for number, night in enumerate(self.nights)}

    @property
    def canary_level_us(self) -> np.ndarray:
        """Of both readings, (N,)."""
        first, last = self.canary_us.T
        return np.where(first == last, first, np.sqrt(first * last))  # as `canary.level_us`

    def first_night_from(self, at: str) -> int:
        """The number of the first night that began then or later; N if none did."""
        return bisect_left(self.nights, moment(at), key=lambda night: moment(night.started))


def board_history(
    nights: Sequence[Night],
    baseline: Baseline | None,
    *,
    history: Sequence[Night],
    said: RunVerdict | None = None,
) -> BoardHistory:
    """Makes the tables of a board.

    Args:
        nights: of one board's name, in order of time, at least 1; see `nights.merge`.
        baseline: of that name; None if there is none.
        history: what the last night is judged by: all nights of the name or of the same board.
        said: the verdict that the last night's record has, shown where there is no baseline to judge by.
    """
    last = nights[-1]
    verdict = said if said and not baseline else judge(last, history, baseline)
    frame = Frame(nights, baseline)
    by_name = {item.name: item for item in verdict.series}
    names = sorted({*by_name, *frame.names})
    return BoardHistory(
        last.board,
        tuple(nights),
        baseline,
        verdict,
        tuple(frame.series(name, by_name.get(name)) for name in names if name.metric != "-"),
        frame.canary_us,
        frame.canary_accepted_us,
        tuple(_changes(nights)),
        (*(_gravest(night) for night in nights[:-1]), verdict.status),
    )


def _gravest(night: Night) -> Status | Literal[""]:
    if night.fault:
        return "broken"
    statuses = {judged.status for judged in night.judged.values()}
    return min(statuses, key=STATUSES.index) if statuses else ""


def _changes(nights: Sequence[Night]) -> Iterable[EnvironmentChange]:
    before: Night | None = None
    for index, night in enumerate(nights):
        if night.fault:
            continue  # a board that was not there has no environment
        if before is not None and identity(night) != identity(before):
            yield EnvironmentChange(index, differences(night, _as_epoch(before)))
        before = night


def _as_epoch(night: Night) -> Epoch:
    """What a night would have had accepted of its environment."""
    return Epoch(0, night.started, night.uid, night.environment, night.procedure, None, {}, {}, ())

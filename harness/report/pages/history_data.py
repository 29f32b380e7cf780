"""Arrange the nights of a board as one array per series, with statuses, band, levels and remarks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from harness.records.verdict import Figure, RunVerdict, SeriesName, SeriesVerdict
from harness.regression import rule
from harness.regression.baseline import Baseline, Epoch
from harness.regression.canary import canary_state
from harness.regression.change_points import change_points, steps
from harness.regression.epochs import differences
from harness.regression.exact import is_of_a_commit
from harness.regression.nights import Night, moment
from harness.regression.sentences import UNITS
from harness.regression.verdict import judge

Kind = Literal["time", "modeled", "number", "text"]
"""A measured time; a time of a modeled clock, a number or a text, which repeat exactly."""
KINDS: tuple[Kind, ...] = ("time", "modeled", "number", "text")


QUIET = ("", "ok", "new")
"""Statuses that need no attention."""


@dataclass(frozen=True, eq=False)
class Series:
    """A series over the N nights of its board."""

    name: SeriesName
    kind: Kind
    figures: tuple[Figure | None, ...]
    """(N,) values in the unit of the metric, None where missing; measured times in µs are divided by the
    canary, as they are judged."""
    values: np.ndarray
    """(N,) the figures as numbers, NaN where missing; for texts an index in order of appearance (0 for
    hashes)."""
    comparable: np.ndarray  # (N,) true where the canary and the tree were clean and nothing was broken
    statuses: tuple[str, ...]  # (N,) status of each night; "" where it was not judged
    accepted: np.ndarray  # (N,) reference in force, NaN where there was none
    allowed: np.ndarray  # (N, 2) lowest and highest time that the rule let pass, NaN where it judged nothing
    levels: tuple[int, ...]  # nights that begin a new level, ascending
    verdict: SeriesVerdict | None  # verdict on the last night, None if it has no such series

    @property
    def title(self) -> str:
        """The metric without its unit, and the input mode if there is one: "inference, clip"."""
        metric = self.name.metric
        for ending in UNITS:
            metric = metric.removesuffix(ending)
        mode = "" if self.name.input_mode == "-" else f", {self.name.input_mode}"
        return metric.replace("_", " ") + mode

    @property
    def noticed(self) -> bool:
        """True if the last night needs attention."""
        return self.statuses[-1] not in QUIET

    def medians(self) -> list[tuple[int, int, float]]:
        """Return first night, end and median of each level that has comparable nights."""
        usable = np.where(self.comparable, self.values, np.nan)
        return [
            (start, end, float(np.nanmedian(usable[start:end])))
            for start, end in pairwise([0, *self.levels, usable.size])
            if np.isfinite(usable[start:end]).any()
        ]


@dataclass(frozen=True, eq=False)
class BoardHistory:
    """Everything that is shown of a board."""

    name: str
    nights: tuple[Night, ...]  # N nights sorted by time, at least 1
    baseline: Baseline | None  # None if nothing was accepted
    verdict: RunVerdict  # verdict on the last night
    series: tuple[Series, ...]  # sorted by name

    def remarks(self, name: SeriesName) -> dict[int, str]:
        """Describe faults, changes of the environment, acceptances and epochs by the number of the night."""
        found = {number: night.fault for number, night in enumerate(self.nights) if night.fault}
        found |= _changes(self.nights)
        for epoch in self.baseline.epochs if self.baseline else ():
            for acceptance in epoch.accepted[1:]:
                if str(name) in acceptance.series:
                    found[self._first_night_from(acceptance.at)] = f"accepted: {acceptance.reason}"
            reason = f": {epoch.accepted[0].reason}" if epoch.accepted else ""
            found[self._first_night_from(epoch.since)] = f"epoch {epoch.number}{reason}"
        return found

    def _first_night_from(self, at: str) -> int:
        return bisect_left(self.nights, moment(at), key=lambda night: moment(night.started))

    def commits(self, series: Series, night: int) -> list[str]:
        """Return the commits before and at a new level, or only one if they are equal."""
        before = np.flatnonzero(series.comparable[:night])
        old = self.nights[int(before[-1])].commit if before.size else ""
        return list(dict.fromkeys(commit for commit in (old, self.nights[night].commit) if commit))


def board_history(
    nights: Sequence[Night],
    baseline: Baseline | None,
    *,
    history: Sequence[Night],
    recorded: RunVerdict | None = None,
) -> BoardHistory:
    """Judge the latest night of a board, and collect every series over its nights.

    `nights` have one board name and are sorted by time. The last one is compared with `history`, nights of
    that name or uid; without a baseline the `recorded` verdict of its record is shown.
    """
    verdict = recorded if recorded and not baseline else judge(nights[-1], history, baseline)
    verdicts = {item.name: item for item in verdict.series}
    columns = _columns(nights)
    names = sorted(name for name in {*verdicts, *columns} if not name.is_variant)
    board = _Board(nights, baseline)
    empty: tuple[Kind, list[Figure | None]] = ("number", [None] * len(nights))
    series = [board.series(name, *columns.get(name, empty), verdicts.get(name)) for name in names]
    return BoardHistory(nights[-1].board, tuple(nights), baseline, verdict, tuple(series))


class _Board:
    """Facts about the nights of a board that all of its series share."""

    def __init__(self, nights: Sequence[Night], baseline: Baseline | None) -> None:
        self._nights = nights
        self._epochs = baseline.epochs if baseline else ()
        # The latest epoch of the same bench that had begun: -1 where there is none.
        self._epoch = np.full(len(nights), -1)
        self._factors, self._clean = np.ones(len(nights)), np.ones(len(nights), dtype=bool)
        starts = [moment(epoch.since) for epoch in self._epochs]
        for index, night in enumerate(nights):
            for number, epoch in enumerate(self._epochs):
                if moment(night.started) >= starts[number]:
                    self._epoch[index] = -1 if differences(night, epoch) else number
            accepted = self._epochs[self._epoch[index]].canary if self._epoch[index] >= 0 else None
            state = canary_state(night.canary, accepted, modeled=night.modeled)
            self._factors[index] = state.factor
            self._clean[index] = state.status == "clean" and night.clean

    def series(
        self, name: SeriesName, kind: Kind, figures: list[Figure | None], verdict: SeriesVerdict | None
    ) -> Series:
        numbers: list[Any] = figures
        if kind == "text":
            texts = dict.fromkeys(text for text in figures if text is not None)
            # A hash changes with each commit: that is no news, so it stays at 0.
            indices = {text: 0 if is_of_a_commit(name) else index for index, text in enumerate(texts)}
            numbers = [None if text is None else indices[text] for text in figures]
        values = np.array([np.nan if number is None else number for number in numbers], dtype=float)
        if kind == "time":
            values /= self._factors
            figures = [float(value) if np.isfinite(value) else None for value in values]
        verdicts = [night.judged.get(name) for night in self._nights]
        verdicts[-1] = verdict or verdicts[-1]
        statuses = [item.status if item else "" for item in verdicts]
        usable = self._clean & np.isfinite(values) & np.array([status != "broken" for status in statuses])
        return Series(
            name,
            kind,
            tuple(figures),
            values,
            usable,
            tuple(statuses),
            self._by_epoch(lambda epoch: _accepted(epoch, name)),
            np.array([_allowed(item) for item in verdicts]),
            _levels(name, kind, values, usable, self._nights[-1].tick_us),
            verdict,
        )

    def _by_epoch(self, figure: Callable[[Epoch], float]) -> np.ndarray:
        return np.array([*map(figure, self._epochs), np.nan])[self._epoch]


def _columns(nights: Sequence[Night]) -> dict[SeriesName, tuple[Kind, list[Figure | None]]]:
    """Return the kind of each series and its figure of every night, None where there is none."""
    columns: dict[SeriesName, tuple[Kind, list[Figure | None]]] = {}
    for index, night in enumerate(nights):
        time: Kind = "modeled" if night.modeled else "time"
        times = {name: item.mean_us if night.modeled else item.value_us for name, item in night.times.items()}
        for name, value in [*times.items(), *night.exact.items()]:
            kind: Kind = time if name in times else "text" if isinstance(value, str) else "number"
            figures = columns.setdefault(name, (kind, [None] * len(nights)))[1]
            figures[index] = value
            columns[name] = kind, figures
    return columns


def _levels(
    name: SeriesName, kind: Kind, values: np.ndarray, usable: np.ndarray, tick_us: float
) -> tuple[int, ...]:
    if is_of_a_commit(name):
        return ()
    nights = np.flatnonzero(usable)
    found = values[nights]
    if kind != "time":
        return tuple(int(nights[index]) for index in steps(found.tolist()))
    floor_us = rule.SD_FLOOR_TICKS * tick_us
    least = max(floor_us, rule.SD_FLOOR * float(np.median(found))) if found.size else 0.0
    return tuple(int(nights[index]) for index in change_points(found, least))


def _accepted(epoch: Epoch, name: SeriesName) -> float:
    if str(name) in epoch.times:
        return epoch.times[str(name)].reference_us
    value = epoch.exact.get(str(name))
    return np.nan if value is None or isinstance(value, str) else float(value)


def _allowed(verdict: SeriesVerdict | None) -> tuple[float, float]:
    """Return the lowest and the highest time without a finding; the interval is symmetric in logarithms."""
    if verdict is None or verdict.limit is None or not isinstance(verdict.reference, (int, float)):
        return np.nan, np.nan
    return verdict.reference**2 / verdict.limit, verdict.limit


def _changes(nights: Sequence[Night]) -> Iterator[tuple[int, str]]:
    # A board that was not found has no environment.
    found = [(number, night) for number, night in enumerate(nights) if not night.fault]
    for (_, before), (number, night) in pairwise(found):
        if changed := differences(night, before):
            yield number, ", ".join(f"{name} {old} → {new}" for name, (old, new) in changed.items())

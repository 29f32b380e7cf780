"""Arrange the nights of a board as one array per series, with statuses, band, levels and events."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from harness.records.verdict import (
    STATUSES,
    Figure,
    RunVerdict,
    SeriesName,
    SeriesVerdict,
    Status,
)
from harness.regression import rule
from harness.regression.baseline import Baseline, Epoch
from harness.regression.canary import canary_state
from harness.regression.change_points import change_points, steps
from harness.regression.epochs import differences
from harness.regression.exact import is_of_a_commit
from harness.regression.nights import Night, moment
from harness.regression.verdict import judge

Kind = Literal["time", "modeled", "number", "text"]
"""A measured time; a time of a modeled clock, a number or a text, which repeat exactly."""

AnyStatus = Status | Literal[""]
"""A status, or "" where a night was not judged."""


@dataclass(frozen=True, eq=False)
class Series:
    """A series over the N nights of its board.

    Attributes:
        name: the series.
        kind: see `Kind`.
        values: (N,) measured times in µs divided by the canary, as they are judged; numbers in the unit of
            the metric; for texts an index in order of appearance (0 for hashes). NaN where missing.
        comparable: (N,) true where the canary and the tree were clean and nothing was broken.
        statuses: (N,) status of each night.
        accepted: (N,) reference in force, NaN where there was none.
        allowed: (N, 2) lowest and highest time that the rule let pass, NaN where it judged nothing.
        levels: nights that begin a new level, ascending.
        latest: value of the last night that has one; for a text the text.
        verdict: verdict on the last night, None if it has no such series.
    """

    name: SeriesName
    kind: Kind
    values: np.ndarray
    comparable: np.ndarray
    statuses: tuple[AnyStatus, ...]
    accepted: np.ndarray
    allowed: np.ndarray
    levels: tuple[int, ...]
    latest: Figure | None
    verdict: SeriesVerdict | None

    @property
    def title(self) -> str:
        """The metric without its unit, and the input mode if there is one: "inference, clip"."""
        metric = self.name.metric
        for unit in ("_us", "_ms", "_bytes", "_cycles"):
            metric = metric.removesuffix(unit)
        mode = "" if self.name.input_mode == "-" else f", {self.name.input_mode}"
        return metric.replace("_", " ") + mode

    @property
    def status(self) -> AnyStatus:
        return self.verdict.status if self.verdict else ""

    @property
    def change(self) -> float | None:
        """Relative change of the last night against the accepted reference; None where there is none."""
        value, reference = self.values[-1], self.accepted[-1]
        known = self.kind != "text" and self.comparable[-1] and np.isfinite(value) and reference > 0
        return float(value / reference - 1) if known else None


@dataclass(frozen=True)
class Event:
    """An epoch, an acceptance or another environment, which explains a change.

    Attributes:
        night: number of the first night with it.
        kind: CSS class of its line.
        name: label in the plot.
        sentence: description without a full stop.
    """

    night: int
    kind: Literal["epoch", "acceptance", "environment"]
    name: str
    sentence: str


@dataclass(frozen=True, eq=False)
class BoardHistory:
    """Everything that is shown of a board.

    Attributes:
        name: name of the board.
        nights: N nights sorted by time, at least 1.
        baseline: None if nothing was accepted.
        verdict: verdict on the last night.
        series: sorted by name.
        canary_us: (N, 2), first and last reading; NaN where missing.
        canary_accepted_us: (N,), NaN where none was accepted.
        changes: differences of the environment by the number of the first night with them.
        statuses: (N,) gravest status of each night.
    """

    name: str
    nights: tuple[Night, ...]
    baseline: Baseline | None
    verdict: RunVerdict
    series: tuple[Series, ...]
    canary_us: np.ndarray
    canary_accepted_us: np.ndarray
    changes: Mapping[int, Mapping[str, tuple[str, str]]]
    statuses: tuple[AnyStatus, ...]

    def events(self, series: Series) -> list[Event]:
        """List the events of a series by time: one per night, an epoch before anything else."""
        found: dict[int, Event] = {}
        for number, differing in self.changes.items():
            sentence = f"another {', '.join(sorted(differing))}"
            found[number] = Event(number, "environment", "environment", sentence)
        for epoch in self.baseline.epochs if self.baseline else ():
            for acceptance in epoch.accepted[1:]:
                if str(series.name) in acceptance.series:
                    number = self._first_night_from(acceptance.at)
                    found[number] = Event(number, "acceptance", "accepted", f"accepted: {acceptance.reason}")
            number = self._first_night_from(epoch.since)
            reason = f": {epoch.accepted[0].reason}" if epoch.accepted else ""
            found[number] = Event(number, "epoch", f"epoch {epoch.number}", f"epoch {epoch.number}{reason}")
        return [found[number] for number in sorted(found) if number < len(self.nights)]

    def _first_night_from(self, at: str) -> int:
        return bisect_left(self.nights, moment(at), key=lambda night: moment(night.started))


@dataclass(eq=False)
class _Column:
    """The figures of a series with the numbers of their nights."""

    nights: list[int] = field(default_factory=list)
    values: list[Figure | None] = field(default_factory=list)
    kind: Kind = "number"

    def add(self, night: int, value: Figure | None, kind: Kind) -> None:
        self.nights.append(night)
        self.values.append(value)
        self.kind = kind


def board_history(
    nights: Sequence[Night],
    baseline: Baseline | None,
    *,
    history: Sequence[Night],
    recorded: RunVerdict | None = None,
) -> BoardHistory:
    """Arrange the nights of a board.

    Args:
        nights: nights under one board name, sorted by time, at least 1.
        baseline: baseline of that name; None if there is none.
        history: nights that the last one is judged by: all of the name or of the same uid.
        recorded: verdict in the last night's record, shown where there is no baseline to judge by.
    """
    last = nights[-1]
    verdict = recorded if recorded and not baseline else judge(last, history, baseline)
    verdicts = {item.name: item for item in verdict.series}
    arrange = _Arrangement(nights, baseline)
    columns = _columns(nights)
    names = sorted(name for name in {*verdicts, *columns} if name.metric != "-")
    return BoardHistory(
        last.board,
        tuple(nights),
        baseline,
        verdict,
        tuple(arrange.series(name, columns.get(name, _Column()), verdicts.get(name)) for name in names),
        np.array([_canary_us(night) for night in nights]),
        arrange.by_epoch(lambda epoch: epoch.canary.reference_us if epoch.canary else np.nan),
        dict(_changes(nights)),
        (*(_gravest(night) for night in nights[:-1]), verdict.status),
    )


class _Arrangement:
    """Facts about the nights of a board that all of its series share."""

    def __init__(self, nights: Sequence[Night], baseline: Baseline | None) -> None:
        self._nights = nights
        self._epochs = baseline.epochs if baseline else ()
        self._starts_s = np.array([moment(night.started).timestamp() for night in nights])
        self._epoch = self._epochs_of_nights()
        self._factors, self._clean = np.ones(len(nights)), np.ones(len(nights), dtype=bool)
        for index, night in enumerate(nights):
            accepted = self._epochs[self._epoch[index]].canary if self._epoch[index] >= 0 else None
            state = canary_state(night.canary, accepted, modeled=night.modeled)
            self._factors[index] = state.factor
            self._clean[index] = state.status == "clean" and not night.dirty and not night.fault

    def _epochs_of_nights(self) -> np.ndarray:
        """Return the index of each night's epoch, (N,); -1 where it belongs to none."""
        found = np.full(len(self._nights), -1)
        for number, epoch in enumerate(self._epochs):
            alike = np.array([_bench(night) == _bench(epoch) for night in self._nights])
            later = self._starts_s >= moment(epoch.since).timestamp()
            found = np.where(later, np.where(alike, number, -1), found)
        return found

    def by_epoch(self, figure: Callable[[Epoch], float]) -> np.ndarray:
        """Return a figure of each night's epoch, (N,); NaN where a night belongs to none."""
        return np.array([*map(figure, self._epochs), np.nan])[self._epoch]

    def series(self, name: SeriesName, column: _Column, verdict: SeriesVerdict | None) -> Series:
        values = self._values(name, column)
        verdicts = [night.judged.get(name) for night in self._nights]
        verdicts[-1] = verdict or verdicts[-1]
        statuses: list[AnyStatus] = [item.status if item else "" for item in verdicts]
        usable = self._clean & np.isfinite(values) & np.array([status != "broken" for status in statuses])
        latest = column.values[-1] if column.values else None
        if isinstance(latest, float):
            latest = float(values[column.nights[-1]])
        return Series(
            name,
            column.kind,
            values,
            usable,
            tuple(statuses),
            self.by_epoch(lambda epoch: _accepted(epoch, name)),
            np.array([_allowed(item) for item in verdicts]),
            _levels(name, column.kind, values, usable),
            latest,
            verdict,
        )

    def _values(self, name: SeriesName, column: _Column) -> np.ndarray:
        values = np.full(len(self._nights), np.nan)
        figures = column.values
        if column.kind == "text":
            texts = dict.fromkeys(value for value in figures if value is not None)
            # A hash changes with each commit: that is no news, so it stays at 0.
            numbers = {text: 0 if is_of_a_commit(name) else number for number, text in enumerate(texts)}
            figures = [None if value is None else numbers[value] for value in figures]
        values[column.nights] = [np.nan if value is None else value for value in figures]
        return values / self._factors if column.kind == "time" else values


def _columns(nights: Sequence[Night]) -> dict[SeriesName, _Column]:
    columns: dict[SeriesName, _Column] = {}
    for index, night in enumerate(nights):
        for name, time in night.times.items():
            value, kind = (time.mean_us, "modeled") if night.modeled else (time.value_us, "time")
            columns.setdefault(name, _Column()).add(index, value, kind)  # type: ignore[arg-type]
        for name, figure in night.exact.items():
            kind = "text" if isinstance(figure, str) else "number"
            columns.setdefault(name, _Column()).add(index, figure, kind)  # type: ignore[arg-type]
    return columns


def _levels(name: SeriesName, kind: Kind, values: np.ndarray, usable: np.ndarray) -> tuple[int, ...]:
    if is_of_a_commit(name):
        return ()
    nights = np.flatnonzero(usable & np.isfinite(values))
    found = values[nights]
    if kind != "time":
        return tuple(int(nights[index]) for index in steps(found.tolist()))
    least = max(rule.SD_FLOOR_US, rule.SD_FLOOR * float(np.median(found))) if found.size else 0.0
    return tuple(int(nights[index]) for index in change_points(found, least))


def _accepted(epoch: Epoch, name: SeriesName) -> float:
    if str(name) in epoch.times:
        return epoch.times[str(name)].reference_us
    value = epoch.exact.get(str(name))
    return np.nan if value is None or isinstance(value, str) else float(value)


def _bench(measured: Night | Epoch) -> tuple[object, ...]:
    """Return what must be the same for times to be comparable."""
    return measured.uid, measured.procedure, measured.environment


def _allowed(verdict: SeriesVerdict | None) -> tuple[float, float]:
    """Return the lowest and the highest time without a finding; the interval is symmetric in logarithms."""
    if verdict is None or verdict.limit is None or not isinstance(verdict.reference, (int, float)):
        return np.nan, np.nan
    return verdict.reference**2 / verdict.limit, verdict.limit


def _canary_us(night: Night) -> tuple[float, float]:
    readings = (night.canary.first, night.canary.last) if night.canary else (None, None)
    first, last = (reading.value_us if reading else None for reading in readings)
    return np.nan if first is None else first, np.nan if last is None else last


def _gravest(night: Night) -> AnyStatus:
    if night.fault:
        return "broken"
    statuses = {judged.status for judged in night.judged.values()}
    return min(statuses, key=STATUSES.index) if statuses else ""


def _changes(nights: Sequence[Night]) -> Iterator[tuple[int, Mapping[str, tuple[str, str]]]]:
    before: Night | None = None
    for index, night in enumerate(nights):
        if night.fault:
            continue  # a board that was not found has no environment
        if before is not None and _bench(night) != _bench(before):
            yield index, differences(night, before)
        before = night

"""A board's nights as arrays: which compare with which, what times are divided by, each series of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from harness.records.verdict import DEVIATING, Figure, SeriesName, SeriesVerdict, Status
from harness.regression.band import Band, band
from harness.regression.baseline import Baseline, Epoch
from harness.regression.canary import canary_state
from harness.regression.exact import is_of_a_commit
from harness.regression.nights import Night, moment
from harness.report.history.columns import Column, columns_of
from harness.report.history.series import Kind, Series, levels

_HELD_TOGETHER: frozenset[Status] = frozenset({"ok", "improved", "suspect", "regressed", "noisy"})
"""Statuses of times that share Holm's alpha."""


def identity(night: Night | Epoch) -> tuple[object, ...]:
    """What has to be the same for times to be compared."""
    return night.uid, night.procedure, night.environment


class Frame:
    """What all series of a board share.

    Attributes:
        canary_us: (N, 2), first and last; NaN where it was not measured.
        canary_accepted_us: (N,), NaN where none was.

    Args:
        nights: N of them, in order of time.
        baseline: None if nothing was accepted.
    """

    def __init__(self, nights: Sequence[Night], baseline: Baseline | None) -> None:
        self._nights = nights
        self._epochs = baseline.epochs if baseline else ()
        self._starts_s = np.array([moment(night.started).timestamp() for night in nights])
        codes: dict[tuple[object, ...], int] = {}
        self._identity = np.array(
            [
                codes.setdefault((night.uid, night.procedure, *sorted(night.environment.items())), len(codes))
                for night in nights
            ]
        )
        self._epoch_of = self._epochs_of_nights()
        self._factors, self._clean = self._canary()
        self._together = np.array([_held_together(night) for night in nights])
        self._columns = columns_of(nights)
        self.canary_us = np.array([_canary_us(night) for night in nights])
        self.canary_accepted_us = self._of_epochs(
            lambda epoch: epoch.canary.reference_us if epoch.canary else np.nan
        )

    def _epochs_of_nights(self) -> np.ndarray:
        """The number of each night's epoch among the baseline's, (N,); -1 of nights that are of none."""
        found = np.full(len(self._nights), -1)
        for number, epoch in enumerate(self._epochs):
            since_s = moment(epoch.since).timestamp()
            alike = np.array([identity(night) == identity(epoch) for night in self._nights])
            found = np.where(self._starts_s >= since_s, np.where(alike, number, -1), found)
        return found

    def _canary(self) -> tuple[np.ndarray, np.ndarray]:
        """What each night's times are divided by, and whether they may be compared; (N,) each."""
        factors, clean = np.ones(len(self._nights)), np.ones(len(self._nights), dtype=bool)
        for index, night in enumerate(self._nights):
            number = self._epoch_of[index]
            accepted = self._epochs[number].canary if number >= 0 else None
            state = canary_state(night.canary, accepted, modeled=night.modeled)
            factors[index] = state.factor
            clean[index] = state.status == "clean" and not night.dirty and not night.fault
        return factors, clean

    def _of_epochs(self, of: Callable[[Epoch], float]) -> np.ndarray:
        """A figure of each night's epoch, (N,)."""
        figures = np.array([*(of(epoch) for epoch in self._epochs), np.nan])
        return figures[self._epoch_of]

    @property
    def names(self) -> set[SeriesName]:
        """Of all series that a night has a figure of."""
        return {name for name, column in self._columns.items() if column.nights}

    def series(self, name: SeriesName, verdict: SeriesVerdict | None) -> Series:
        """A series over all nights."""
        column = self._columns.get(name, Column())
        kind = _kind(column)
        values = self._values(name, column, kind)
        statuses, since = self._judged(column, verdict)
        usable = self._clean & np.isfinite(values) & np.array([status != "broken" for status in statuses])
        return Series(
            name,
            kind,
            values,
            usable,
            statuses,
            self._accepted(name, kind),
            self._band(name, values, usable, statuses, since) if kind == "time" else None,
            levels(name, kind, values, usable),
            _latest(column, values),
            verdict,
        )

    def _values(self, name: SeriesName, column: Column, kind: Kind) -> np.ndarray:
        values = np.full(len(self._nights), np.nan)
        if kind == "text":
            numbers: dict[Figure, int] = {}
            if is_of_a_commit(name):
                numbers = dict.fromkeys([value for value in column.values if value is not None], 0)
            values[column.nights] = [
                np.nan if value is None else numbers.setdefault(value, len(numbers))
                for value in column.values
            ]
            return values
        values[column.nights] = [np.nan if value is None else value for value in column.values]
        return values / self._factors if kind == "time" else values

    def _judged(
        self, column: Column, verdict: SeriesVerdict | None
    ) -> tuple[tuple[Status | Literal[""], ...], list[str]]:
        """What was said each night, and since when the reference was that it was held against."""
        statuses: list[Status | Literal[""]] = [""] * len(self._nights)
        since = [""] * len(self._nights)
        for those, judged in column.judged:
            for index in those:
                statuses[index], since[index] = judged.status, judged.since
        if verdict is not None:
            statuses[-1], since[-1] = verdict.status, verdict.since
        return tuple(statuses), since

    def _accepted(self, name: SeriesName, kind: Kind) -> np.ndarray:
        if kind == "time":
            return self._of_epochs(
                lambda epoch: epoch.times[name].reference_us if name in epoch.times else np.nan
            )

        def figure(epoch: Epoch) -> float:
            value = epoch.exact.get(name)
            return np.nan if isinstance(value, str | None) else float(value)

        return self._of_epochs(figure)

    def _band(
        self,
        name: SeriesName,
        values: np.ndarray,
        usable: np.ndarray,
        statuses: Sequence[Status | Literal[""]],
        since: Sequence[str],
    ) -> Band:
        """The rule replayed, for each reference over the nights that may be held against it."""
        references = np.array(
            [then or self._reference_since(name, index) for index, then in enumerate(since)], dtype=object
        )
        deviated = np.array([status in DEVIATING for status in statuses])
        whole = [np.full(values.size, np.nan) for _ in range(3)]
        for reference in sorted({*references.tolist()} - {""}):
            judged = references == reference
            alike = self._identity == self._identity[np.flatnonzero(judged)[0]]
            those = alike & (self._starts_s >= moment(reference).timestamp())
            on_level = usable & ~(deviated & judged)
            found = band(values[those], on_level[those], judged[those], self._together[those])
            places = np.flatnonzero(those)[np.isfinite(found.center_us)]
            for line, part in zip(whole, (found.center_us, found.low_us, found.high_us), strict=True):
                line[places] = part[np.isfinite(found.center_us)]
        return Band(*whole)

    def _reference_since(self, name: SeriesName, index: int) -> str:
        """Of a night that nobody judged: since when the reference is that is in force by now."""
        number = self._epoch_of[index]
        reference = self._epochs[number].times.get(name) if number >= 0 else None
        return reference.since if reference and reference.since <= self._nights[index].started else ""


def _latest(column: Column, values: np.ndarray) -> Figure | None:
    """What the last night with the series has: as it is judged, and a text as it is."""
    value = column.values[-1] if column.values else None
    return value if value is None or isinstance(value, str | int) else float(values[column.nights[-1]])


def _kind(column: Column) -> Kind:
    if column.timed:
        return "modeled" if column.modeled else "time"
    return "text" if any(isinstance(value, str) for value in column.values) else "number"


def _held_together(night: Night) -> int:
    """How many times were judged together that night, at least 1."""
    held = sum(night.judged[name].status in _HELD_TOGETHER for name in night.times if name in night.judged)
    return max(held or len(night.times), 1)


def _canary_us(night: Night) -> tuple[float, float]:
    readings = (night.canary.first, night.canary.last) if night.canary else (None, None)
    first, last = (
        np.nan if reading is None or reading.value_us is None else reading.value_us for reading in readings
    )
    return first, last

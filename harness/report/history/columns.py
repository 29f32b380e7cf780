"""Nights turned on their side: of each series what every night has of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.records.verdict import Figure, SeriesName, SeriesVerdict
from harness.regression.nights import Night


@dataclass(eq=False)
class Column:
    """A series before it is an array.

    Attributes:
        nights: numbers of those that have a figure of it, ascending.
        values: the figures: times in µs, of a modeled clock the mean of all samples; None of a broken one.
        judged: what was said of it, each with the numbers of the nights on which it was.
        timed: whether it is a time.
        modeled: whether its clock is a model.
    """

    nights: list[int] = field(default_factory=list)
    values: list[Figure | None] = field(default_factory=list)
    judged: list[tuple[list[int], SeriesVerdict]] = field(default_factory=list)
    timed: bool = False
    modeled: bool = False


def columns_of(nights: Sequence[Night]) -> dict[SeriesName, Column]:
    """All series that a night has a figure of, or was judged by."""
    by_name: dict[SeriesName, Column] = {}
    by_object: dict[int, Column] = {}

    def column_of(name: SeriesName) -> Column:
        # Nights that were read together share their names, and the hash of a name takes longest of all this.
        found = by_object.get(id(name))
        if found is None:
            found = by_object[id(name)] = by_name.setdefault(name, Column())
        return found

    for index, night in enumerate(nights):
        for name, measured in night.times.items():
            column = column_of(name)
            column.nights.append(index)
            column.values.append(measured.mean_us if night.modeled else measured.value_us)
            column.timed, column.modeled = True, night.modeled
        for name, value in night.exact.items():
            column = column_of(name)
            column.nights.append(index)
            column.values.append(value)
    for said, those in _alike(nights):
        for name, judged in said.items():
            column_of(name).judged.append((those, judged))
    return by_name


def _alike(nights: Sequence[Night]) -> Iterable[tuple[Mapping[SeriesName, SeriesVerdict], list[int]]]:
    """What was said of all series, with the nights of which it was: most nights share it, being ok."""
    found: dict[int, tuple[Mapping[SeriesName, SeriesVerdict], list[int]]] = {}
    for index, night in enumerate(nights):
        found.setdefault(id(night.judged), (night.judged, []))[1].append(index)
    return found.values()

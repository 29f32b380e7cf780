"""Comparison of boards of one kind, such as those of several benches.

Only times of the same image in the same environment are compared, the first night of one board with the first
of the other, and so on, so that a difference comes from the boards and not from the code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median

from harness.records.verdict import SeriesName
from harness.regression.nights import Night
from harness.stats.pairing import Mean, mean_interval

_OF_SPECIMEN = {"revision"}
"""Entries of the environment in which boards of one kind may differ."""


@dataclass(frozen=True)
class Difference:
    """A series on two boards of one kind."""

    kind: str
    name: SeriesName
    first: Night  # latest night of each board
    second: Night
    first_us: float  # medians of the nights that are compared
    second_us: float
    change: Mean  # of the second time relative to the first, over pairs of nights


def told_apart(nights: Iterable[Night]) -> list[Night]:
    """Add the bench to a board's name where several benches gave that name to different boards.

    A board that was replaced on its bench keeps its name. So does a modeled one: it is the same everywhere.
    """
    nights = [*nights]
    uids, benches = defaultdict(set), defaultdict(set)
    for night in nights:
        if not night.modeled:
            uids[night.board].add(night.uid)
            benches[night.board].add(night.bench)
    shared = {name for name in uids if len(uids[name]) > 1 and len(benches[name]) > 1}
    return [
        replace(night, board=f"{night.board} of {night.bench}") if night.board in shared else night
        for night in nights
    ]


def compare_specimens(nights: Sequence[Night]) -> list[Difference]:
    """Compare each two boards of a kind by every timed series that both have; `nights` are sorted by time."""
    boards: dict[tuple[str, str], list[Night]] = defaultdict(list)
    for night in nights:
        if not night.modeled and not night.fault and night.kind:
            boards[night.kind, night.uid].append(night)
    found = []
    for (first_key, first), (second_key, second) in combinations(boards.items(), 2):
        if first_key[0] == second_key[0]:
            found += _differences(first_key[0], first, second)
    return found


def _differences(kind: str, first: Sequence[Night], second: Sequence[Night]) -> list[Difference]:
    found = []
    times, others = _times(first), _times(second)
    for name in sorted({name for name, _ in times} & {name for name, _ in others}):
        pairs = [
            pair
            for (series, setting), own in times.items()
            if series == name
            for pair in zip(own, others.get((series, setting), []), strict=False)
        ]
        if pairs:
            first_us, second_us = (median(side) for side in zip(*pairs, strict=True))
            change = mean_interval([one[1] / one[0] - 1 for one in pairs])
            found.append(Difference(kind, name, first[-1], second[-1], first_us, second_us, change))
    return found


def _times(nights: Iterable[Night]) -> dict[tuple[SeriesName, object], list[float]]:
    """Return the times of a board by series and by what was measured: image, environment and procedure."""
    found: dict[tuple[SeriesName, object], list[float]] = defaultdict(list)
    for night in nights:
        environment = frozenset(item for item in night.environment.items() if item[0] not in _OF_SPECIMEN)
        for name, time in night.times.items():
            if time.value_us:
                found[name, (time.image, environment, night.procedure)].append(time.value_us)
    return found

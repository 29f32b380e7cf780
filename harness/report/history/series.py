"""One series over all nights of its board, as plots and tables need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.records.verdict import Figure, SeriesName, SeriesVerdict, Status
from harness.regression import rule
from harness.regression.band import Band
from harness.regression.change_points import change_points, steps
from harness.regression.exact import is_of_a_commit

Kind = Literal["time", "modeled", "number", "text"]
"""A measured time, which wavers; a time of a modeled clock, a number or a text, which repeat exactly."""
_NO_INPUT = "-"


@dataclass(frozen=True, eq=False)
class Series:
    """A series over the N nights of its board.

    Attributes:
        name: of the series.
        kind: see `Kind`.
        values: (N,) times in µs (measured ones divided by the canary, as they are judged), or numbers in the
            unit of the metric; of texts the number of the text, in the order in which they appeared (0 for
            hashes that are others with each commit). NaN where there is none.
        comparable: (N,) whether the canary was clean, the tree too, and nothing was broken.
        statuses: (N,) what was said then; "" of nights that nobody judged.
        accepted: (N,) the reference in force, NaN where there was none.
        band: what the rule allowed; None of exact series.
        levels: nights that begin a new level, ascending; see `harness.regression.change_points`.
        latest: the value of the last night that has one; of a text itself.
        verdict: of the last night; None if it had no such series and did not miss it.
    """

    name: SeriesName
    kind: Kind
    values: np.ndarray
    comparable: np.ndarray
    statuses: tuple[Status | Literal[""], ...]
    accepted: np.ndarray
    band: Band | None
    levels: tuple[int, ...]
    latest: Figure | None
    verdict: SeriesVerdict | None

    @property
    def title(self) -> str:
        """The metric and how the input came, if it did, as people read it: "inference, clip"; "flash"."""
        mode = "" if self.name.input_mode == _NO_INPUT else f", {self.name.input_mode}"
        return metric_title(self.name.metric) + mode

    @property
    def status(self) -> Status | Literal[""]:
        """Of the last night."""
        return self.verdict.status if self.verdict else ""

    @property
    def change(self) -> float | None:
        """Of the last night's value against the accepted reference, a share; None where there is no such."""
        value, reference = self.values[-1], self.accepted[-1]
        known = self.kind != "text" and self.comparable[-1] and np.isfinite(value) and reference > 0
        return float(value / reference - 1) if known else None


def metric_title(metric: str) -> str:
    """A metric without its unit: "flash" of "flash_bytes"."""
    for unit in ("_us", "_ms", "_bytes", "_cycles"):
        metric = metric.removesuffix(unit)
    return metric.replace("_", " ")


def levels(name: SeriesName, kind: Kind, values: np.ndarray, usable: np.ndarray) -> tuple[int, ...]:
    """Nights that begin a new level.

    Args:
        name: of the series.
        kind: see `Kind`.
        values: (N,), NaN where there is none.
        usable: (N,) whether a night may count.
    """
    if is_of_a_commit(name):
        return ()  # another one with each commit: no news
    nights = np.flatnonzero(usable & np.isfinite(values))
    found = values[nights]
    if kind != "time":
        return tuple(int(nights[index]) for index in steps(found.tolist()))
    least = max(rule.SD_FLOOR_US, rule.SD_FLOOR * float(np.median(found))) if found.size else 0.0
    return tuple(int(nights[index]) for index in change_points(found, least))

"""Verdicts of made-up nights, one series for each status."""

from __future__ import annotations

from collections.abc import Sequence

from harness.regression.series import SeriesKey, SeriesName
from harness.regression.statuses import STATUSES, NightVerdict, SeriesVerdict, Status


def series(status: Status, advisory: bool = False, **more) -> SeriesVerdict:
    key = SeriesKey("desk-1", SeriesName(f"model-{status}", "codegen", "inference_us", "clip"), 1)
    return SeriesVerdict(key, status, f"{key.name} is {status}.", advisory, **more)


def night(*items: SeriesVerdict, status: Status = "ok", proposes_epoch: bool = False) -> NightVerdict:
    return NightVerdict("n-1", "desk", status, "The sentence.", items, 0, proposes_epoch=proposes_epoch)


def of_every_status(statuses: Sequence[Status] = STATUSES) -> NightVerdict:
    return night(*(series(status) for status in statuses), status=statuses[0])

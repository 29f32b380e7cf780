"""Verdicts of made-up nights, one series for each status."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.verdict import STATUSES, RunVerdict, SeriesVerdict, Status


def series(status: Status, advisory: bool = False, **more) -> SeriesVerdict:
    name = f"model-{status}/codegen/inference_us/clip"
    return SeriesVerdict(name, status, f"{name} is {status}.", advisory, **more)


def night(*items: SeriesVerdict, status: Status = "ok", proposes_epoch: bool = False) -> RunVerdict:
    return RunVerdict("n-1", "desk", status, "The sentence.", 0, items, proposes_epoch=proposes_epoch)


def of_every_status(statuses: Sequence[Status] = STATUSES) -> RunVerdict:
    return night(*(series(status) for status in statuses), status=statuses[0])

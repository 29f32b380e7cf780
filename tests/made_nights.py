"""Nights with made-up figures, in plain numbers: test data, not a measurement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from harness.records.verdict import RunVerdict, SeriesName, SeriesVerdict
from harness.regression.acceptance import accept
from harness.regression.baseline import Baseline
from harness.regression.canary import CanaryReading
from harness.regression.nights import Night
from harness.regression.series import Block, Measured, measured
from harness.regression.verdict import judge

INT8 = SeriesName("tinyconv-int8", "codegen", "inference_us", "pcm")
FLOAT = SeriesName("tinyconv-float32", "codegen", "inference_us", "pcm")
FLASH = SeriesName("tinyconv-int8", "codegen", "flash_bytes", "pcm")
HASH = SeriesName("tinyconv-int8", "codegen", "image_sha256", "pcm")

INT8_US, FLOAT_US, CANARY_US = 33_120.0, 128_430.0, 50_000.0
NIGHT_SD = 0.002
AT = "2026-12-01T08:00:00Z"
_FIRST = datetime(2026, 11, 1, 1, tzinfo=UTC)


def time_of(value_us: float, image: str = "a" * 64) -> Measured:
    """Return three blocks with this median."""
    return measured([Block((value_us,) * 50, 50)] * 3, image)


def canary(first_us: float = CANARY_US, last_us: float | None = None, image: str = "c" * 64) -> CanaryReading:
    return CanaryReading(time_of(first_us, image), time_of(first_us if last_us is None else last_us, image))


def stamp(index: int, hours: float = 0.0) -> str:
    """Return a time of the night with this number, from 0."""
    return (_FIRST + timedelta(days=index, hours=hours)).isoformat().replace("+00:00", "Z")


def night(index: int, int8_us: float = INT8_US, float_us: float = FLOAT_US, **changes) -> Night:
    """Return the night with this number, from 0; one hour long."""
    made = Night(
        id=f"night-{index}",
        digest=f"content-{index}",
        started=stamp(index),
        ended=stamp(index, 1),
        commit=f"{index:040x}",
        dirty=False,
        board="nano33ble",
        uid="F00D",
        environment={"core": "4.2.1", "compiler": "7-2017q4"},
        procedure=1,
        modeled=False,
        times={INT8: time_of(int8_us), FLOAT: time_of(float_us)},
        exact={FLASH: 61_312},
        canary=canary(),
    )
    return replace(made, **changes)


def quiet_nights(count: int = 14, night_sd: float = NIGHT_SD, seed: int = 1) -> list[Night]:
    """Return nights 0 to count - 1 without a change."""
    noise = np.exp(np.random.default_rng(seed).normal(0, night_sd, (count, 2)))
    return [night(index, INT8_US * one, FLOAT_US * two) for index, (one, two) in enumerate(noise)]


def accepted(nights: list[Night]) -> Baseline:
    """Return the baseline of an epoch with these nights."""
    return accept(None, nights[-1], nights, reason="the first", at=AT)


def with_verdicts(made: Night, verdict: RunVerdict) -> Night:
    """Return the night as it is read from its record."""
    return replace(made, judged={item.name: item for item in verdict.series})


def of(name: SeriesName, verdict: RunVerdict) -> SeriesVerdict:
    (found,) = [item for item in verdict.series if item.name == name]
    return found


def verdict_on(
    tonight: Night, nights: list[Night], baseline: Baseline | None, name: SeriesName = INT8
) -> SeriesVerdict:
    """Judge a night and return the verdict on one series."""
    return of(name, judge(tonight, nights, baseline))

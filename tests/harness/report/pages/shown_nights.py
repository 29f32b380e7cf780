"""Made-up nights with steps, noise and verdicts: test data, not a measurement."""

from __future__ import annotations

from dataclasses import replace

import made_nights
import numpy as np
from made_nights import stamp, time_of

from harness.records.verdict import SeriesName
from harness.regression.acceptance import accept
from harness.regression.baseline import Baseline
from harness.regression.nights import Night
from harness.regression.verdict import judge
from harness.report.pages.history_data import BoardHistory, Series, board_history

INT8 = SeriesName("tiny-int8", "codegen", "inference_us", "clip")
FLASH = SeriesName("tiny-int8", "codegen", "flash_bytes", "-")
OPERATORS = SeriesName("tiny-int8", "codegen", "operators", "-")
IMAGE = SeriesName("tiny-int8", "codegen", "image_sha256", "-")
LEVEL_US = 33_000.0


def night(index: int, value_us: float = LEVEL_US, board: str = "nano", **changes) -> Night:
    """Return the night with this number, from 0."""
    about = {
        "id": f"{board}-{index}",
        "digest": f"{board} {index}",
        "commit": f"{index:07x}".ljust(40, "c"),
        "board": board,
        "uid": f"uid of {board}",
        "environment": {"core": "4.2.1"},
        "times": {INT8: time_of(value_us)},
        "exact": {FLASH: 61_312, OPERATORS: "CONV_2D 1", IMAGE: f"{index:064x}"},
    }
    return made_nights.night(index, **about | changes)


def levels_us(count: int, step_at: int | None = None, seed: int = 1) -> np.ndarray:
    """Return a level with 0.2 % noise, 3 % higher from a night on."""
    values = LEVEL_US * np.exp(np.random.default_rng(seed).normal(0, 0.002, count))
    if step_at is not None:
        values[step_at:] *= 1.03
    return values


def history(
    count: int = 30, step_at: int | None = None, accepted_at: int | None = 9, board: str = "nano", **changes
) -> tuple[list[Night], Baseline | None]:
    """Return nights judged one after the other, and the baseline; the tenth is accepted."""
    nights: list[Night] = []
    baseline = None
    for index, value_us in enumerate(levels_us(count, step_at)):
        made = night(index, float(value_us), board, **changes)
        made = replace(made, confirmations={INT8: time_of(float(value_us))})
        verdict = judge(made, nights, baseline)
        nights.append(replace(made, judged={item.name: item for item in verdict.series}))
        if index == accepted_at:
            baseline = accept(None, nights[-1], nights, reason="the <first>", at=stamp(index, 8))
    return nights, baseline


def board(nights: list[Night], baseline: Baseline | None = None, **more) -> BoardHistory:
    return board_history(nights, baseline, history=nights, **more)


def of(name: SeriesName, shown: BoardHistory) -> Series:
    (found,) = [series for series in shown.series if series.name == name]
    return found

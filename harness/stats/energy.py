"""Energy by stage, from power samples and the two stage pins of the sketch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.statistics import Summary, summarize

IDLE, PREPROCESS, INFERENCE, POSTPROCESS = STAGES = "idle", "preprocess", "inference", "postprocess"

_STAGE_OF_PINS = np.array([0, 1, 3, 2])
"""Stage by the value of the pins, a Gray code: from stage to stage one pin changes."""

_ALLOWED = {(0, 1), (1, 0), (1, 2), (2, 3), (3, 0), (2, 0)}
"""Successions of stages; preprocessing can end without an inference, and postprocessing within a sample."""


class BrokenTrace(ValueError):
    """Samples that belong to no succession of stages; the message says why."""


@dataclass(frozen=True)
class StageEnergy:
    """Energy and duration of one stage in J and s; a stage that the trace cuts off counts for neither."""

    stage: str
    joules: Summary
    seconds: Summary


@dataclass(frozen=True)
class Energy:
    """Energy of a trace.

    Attributes:
        seconds, joules: of the whole trace.
        peak_watts: highest sample.
        idle_watts: mean while no stage runs; None without stage pins.
        stages: those that ran; empty without stage pins.
    """

    seconds: float
    joules: float
    peak_watts: float
    idle_watts: float | None = None
    stages: tuple[StageEnergy, ...] = ()

    @property
    def mean_watts(self) -> float:
        return self.joules / self.seconds

    def net_joules(self, stage: StageEnergy) -> float:
        """Return the median energy of a stage without what the idle board takes in that time."""
        return stage.joules.median - (self.idle_watts or 0.0) * stage.seconds.median


def energy_of(blocks: Iterable[np.ndarray], pins: tuple[int, int] | None) -> Energy:
    """Return the energy of power samples, by stage where the stage pins were recorded.

    Args:
        blocks: arrays of `harness.meters.trace.SAMPLE` without a gap.
        pins: digital inputs that the lower and the higher stage pin are wired to; None without them.

    Raises:
        BrokenTrace: there are no samples, the pins do not change, or not as stages do.
    """
    runs, seconds, joules, peak = _Runs(), 0.0, 0.0, 0.0
    for block in blocks:
        lengths = block["seconds"].astype(np.float64)
        energies = block["watts"] * lengths
        seconds, joules = seconds + float(lengths.sum()), joules + float(energies.sum())
        peak = max(peak, float(block["watts"].max()))
        if pins is not None:
            value = (block["logic"] >> pins[0] & 1) | (block["logic"] >> pins[1] & 1) << 1
            runs.add(_STAGE_OF_PINS[value], energies, lengths)
    if not seconds:
        raise BrokenTrace("the trace has no samples")
    if pins is None:
        return Energy(seconds, joules, peak)
    stages, run_joules, run_seconds = runs.whole()
    _check(stages, pins)
    idle = stages == 0
    return Energy(
        seconds,
        joules,
        peak,
        float(run_joules[idle].sum() / run_seconds[idle].sum()),
        tuple(
            StageEnergy(name, summarize(run_joules[stages == n]), summarize(run_seconds[stages == n]))
            for n, name in enumerate(STAGES)
            if n and (stages == n).any()
        ),
    )


class _Runs:
    """Consecutive samples of one stage, collected over blocks."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []

    def add(
        self, stages: NDArray[np.int64], joules: NDArray[np.float64], seconds: NDArray[np.float64]
    ) -> None:
        self._parts.append(_by_run(stages, joules, seconds))

    def whole(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return stage, energy and duration of each run, without the first and the last one."""
        stages, joules, seconds = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        stages, joules, seconds = _by_run(stages, joules, seconds)  # a run can go on in the next block
        return stages[1:-1], joules[1:-1], seconds[1:-1]


def _by_run(
    stages: NDArray[np.int64], joules: NDArray[np.float64], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return stage and sums of each run of equal stages."""
    begins = np.flatnonzero(np.diff(stages, prepend=-1))
    return stages[begins], np.add.reduceat(joules, begins), np.add.reduceat(seconds, begins)


def _check(stages: NDArray[np.int64], pins: tuple[int, int]) -> None:
    low, high = pins
    steps = list(zip(stages[:-1].tolist(), stages[1:].tolist(), strict=True))
    if not steps or 2 not in stages:
        seen = ", ".join(STAGES[n] for n in sorted(set(stages.tolist()))) or "one stage only"
        raise BrokenTrace(
            f"inputs {low} and {high} show no inference ({seen}): a stage pin is not wired to them"
        )
    wrong = [step for step in steps if step not in _ALLOWED]
    if len(wrong) > len(steps) / 4:
        raise BrokenTrace(f"inputs {low} and {high} show the stages backwards: the stage pins are swapped")
    if wrong:
        first, second = (STAGES[n] for n in wrong[0])
        raise BrokenTrace(
            f"{second} follows {first} on inputs {low} and {high}: a stage pin has a loose contact"
        )

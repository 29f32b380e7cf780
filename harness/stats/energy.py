"""Energy from power samples: by stage, from the stage pins of the sketch, or from bursts of inferences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.statistics import Summary, summarize

IDLE, PREPROCESS, INFERENCE, POSTPROCESS = STAGES = "idle", "preprocess", "inference", "postprocess"

_STAGE_OF_PINS = np.array([0, 1, 3, 2])
"""Stage by the value of the pins, a Gray code: from stage to stage one pin changes."""

_ALLOWED = {(0, 1), (1, 0), (1, 2), (2, 3), (3, 0), (2, 0)}
"""Successions of stages; preprocessing can end without an inference, and postprocessing within a sample."""


CPU_WATTS, SLEEP_WATTS = 3.3e-3 * 3.0, 3.16e-6 * 3.0
"""Power of an nRF52840 that runs and that sleeps, at 3 V and 25 °C with the DC/DC regulator. Source: nRF52840
product specification v1.11, current consumption: ICPU0 (CoreMark at 64 MHz from flash, cache on, HFXO) and
ION_RAMON_RTC (System ON, all RAM kept, wakes by the RTC)."""

_LEAST_RISE = 0.02
"""Share of the idle power by which inferences raise the power at least, in a trace that shows them."""


class BrokenTrace(ValueError):
    """Samples that belong to no succession of stages.

    The message says why, and `remedy` what to do, if that is known.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


@dataclass(frozen=True)
class StageEnergy:
    """Energy and duration of one stage in J and s; a stage that the trace cuts off counts for neither."""

    stage: str
    joules: Summary  # of each time that it ran, like the seconds
    seconds: Summary
    per_inference_joules: float
    """Its energy in all, of the preprocessing that led to no inference too, by the number of inferences."""


@dataclass(frozen=True)
class Energy:
    """Energy of a trace."""

    seconds: float
    joules: float
    """Both of the whole trace; with stage pins, from the first stage that it shows whole to the last one."""
    peak_watts: float  # highest sample
    sample_seconds: float  # length of the longest sample
    idle_watts: float | None = None  # mean while no stage runs; None without stage pins
    stages: tuple[StageEnergy, ...] = ()  # those that ran; empty without stage pins

    @property
    def mean_watts(self) -> float:
        return self.joules / self.seconds

    def shows(self, stage: StageEnergy) -> bool:
        """Return whether a stage is long enough for the samples to tell its length and energy."""
        return stage.seconds.median > 2.5 * self.sample_seconds

    def net_joules(self, stage: StageEnergy) -> float:
        """Return the median energy of a stage without what the idle board takes in that time."""
        return stage.joules.median - (self.idle_watts or 0.0) * stage.seconds.median


def energy_of(blocks: Iterable[np.ndarray], pins: tuple[int, int] | None) -> Energy:
    """Return the energy of power samples, by stage where the stage pins were recorded.

    Args:
        blocks: arrays of `harness.meters.trace.SAMPLE` without a gap.
        pins: digital inputs that the lower and the higher stage pin are wired to; None without them.

    Raises:
        BrokenTrace: there are no samples, the power is negative, the pins do not change, or not as stages do.
    """
    seconds = joules = peak = longest = 0.0
    runs: list[_Runs] = []
    for block in blocks:
        lengths = block["seconds"].astype(np.float64)
        energies = block["watts"] * lengths
        seconds, joules = seconds + float(lengths.sum()), joules + float(energies.sum())
        peak, longest = max(peak, float(block["watts"].max())), max(longest, float(lengths.max()))
        if pins is not None:
            value = (block["logic"] >> pins[0] & 1) | (block["logic"] >> pins[1] & 1) << 1
            runs.append(_by_run(_STAGE_OF_PINS[value], energies, lengths))
    if not seconds:
        raise BrokenTrace("the trace has no samples", "Record it again.")
    if joules < 0:
        raise BrokenTrace("the mean power is negative", "Swap the meter's two wires in the supply.")
    if pins is None:
        return Energy(seconds, joules, peak, longest)
    # A run can go on in the next block; the first and the last one are cut off.
    stages, run_joules, run_seconds = _by_run(*(np.concatenate(part) for part in zip(*runs, strict=True)))
    stages, run_joules, run_seconds = stages[1:-1], run_joules[1:-1], run_seconds[1:-1]
    _check(stages, pins)
    idle = stages == 0
    inferences = np.count_nonzero(stages == STAGES.index(INFERENCE))
    return Energy(
        float(run_seconds.sum()),
        float(run_joules.sum()),
        peak,
        longest,
        float(run_joules[idle].sum() / run_seconds[idle].sum()),
        tuple(
            _stage_energy(name, run_joules[stages == n], run_seconds[stages == n], inferences)
            for n, name in enumerate(STAGES)
            if n and (stages == n).any()
        ),
    )


def _stage_energy(
    name: str, joules: NDArray[np.float64], seconds: NDArray[np.float64], inferences: int
) -> StageEnergy:
    return StageEnergy(name, summarize(joules), summarize(seconds), float(joules.sum() / inferences))


@dataclass(frozen=True)
class Burst:
    """Inferences in a row, with idle time before and after."""

    begin_s: float  # time in the trace at which the device was idle before
    end_s: float  # and after
    taken_s: float  # length of the inferences, by the device's clock
    inferences: int  # their number


@dataclass(frozen=True)
class BurstEnergy:
    """Energy of an inference in J, one value for each burst."""

    joules: Summary  # with what the idle device takes in the same time
    net_joules: Summary  # without it
    seconds: Summary  # of an inference, by the device's clock
    idle_watts: float  # before and after the bursts
    peak_watts: float | None  # highest sample; None if it may be that of other work
    inferences: int  # of all bursts
    each_joules: tuple[float, ...]  # of each burst, in order
    other_cores: float | None = None
    """Mean number of cores that other processes of a computer used meanwhile; None for a board, and if the
    computer does not tell."""

    @property
    def why_no_peak(self) -> str:
        """Return the reason why there is no peak; "" with one."""
        if self.peak_watts is not None:
            return ""
        if self.other_cores is None:
            return "no peak: the computer does not tell whether other processes worked meanwhile"
        return (
            f"no peak: other processes used {self.other_cores:.1f} cores meanwhile, and the meter counts them"
        )


def burst_energy(blocks: Iterable[np.ndarray], bursts: Sequence[Burst], idle_s: float) -> BurstEnergy:
    """Return the energy of an inference from bursts of inferences with unknown borders.

    A burst's energy beyond idle is the energy between two idle moments, less the idle power times the time
    between them. The device's clock only serves to add the idle energy of the inferences again.

    Args:
        blocks: see `energy_of`.
        bursts: what the device did.
        idle_s: length of the idle time around each moment, from which the idle power is taken.

    Raises:
        BrokenTrace: the trace is too short, or shows no more power during a burst than around it.
    """
    borders = np.array([[one.begin_s, one.end_s] for one in bursts])
    half = idle_s / 2
    times = np.concatenate([borders - half, borders, borders + half], axis=1)  # each before, then each after
    until, peak = _joules_until(blocks, times.ravel())
    joules = until.reshape(times.shape)
    if not np.isfinite(joules).all():
        raise BrokenTrace("the trace ends before the last burst of inferences")
    idle_watts = ((joules[:, 4:] - joules[:, :2]) / idle_s).mean(axis=1)
    net_joules = joules[:, 3] - joules[:, 2] - idle_watts * (borders[:, 1] - borders[:, 0])
    taken_s = np.array([one.taken_s for one in bursts])
    if (net_joules <= _LEAST_RISE * idle_watts * taken_s).any():
        raise BrokenTrace(
            f"the power stays at the idle {idle_watts.mean() * 1e3:.3g} mW while the device infers: the "
            "meter measures something else"
        )
    inferences = np.array([one.inferences for one in bursts])
    each_joules = ((net_joules + idle_watts * taken_s) / inferences).tolist()
    return BurstEnergy(
        summarize(each_joules),
        summarize(net_joules / inferences),
        summarize(taken_s / inferences),
        float(idle_watts.mean()),
        peak,
        int(inferences.sum()),
        tuple(each_joules),
    )


def between_pulses(blocks: Iterable[np.ndarray], pin: int) -> tuple[float, float]:
    """Return energy in J and time in s between the last two falling edges of a digital input.

    MLPerf Tiny's runner calculates the energy of a window so; there can be earlier edges.
    Source: mlcommons/tiny, benchmark/runner/main.py, print_energy_results.

    Raises:
        BrokenTrace: there are no two edges.
    """
    edges: list[tuple[float, float]] = []
    seconds = joules = 0.0
    was_high = False
    for block in blocks:
        high = (block["logic"] >> pin & 1).astype(bool)
        falls = np.flatnonzero(np.concatenate([[was_high], high[:-1]]) & ~high)
        lengths = block["seconds"].astype(np.float64)
        starts_s = seconds + np.cumsum(lengths) - lengths
        energies = block["watts"] * lengths
        before = joules + np.cumsum(energies) - energies
        edges = [*edges, *zip(before[falls].tolist(), starts_s[falls].tolist(), strict=True)][-2:]
        seconds, joules = seconds + float(lengths.sum()), joules + float(energies.sum())
        was_high = bool(high[-1]) if len(high) else was_high
    if len(edges) < 2:
        raise BrokenTrace(
            f"input {pin} shows {len(edges)} of the two timestamps around the inferences: D2 is not wired "
            "to it"
        )
    (begin_joules, begin_s), (end_joules, end_s) = edges
    return end_joules - begin_joules, end_s - begin_s


def _joules_until(
    blocks: Iterable[np.ndarray], times_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return the energy in J up to each time, NaN beyond the end, and the peak in W between the times."""
    found = np.full(len(times_s), np.nan)
    ended_s = joules = peak = 0.0
    for block in blocks:
        lengths = block["seconds"].astype(np.float64)
        ends_s = np.concatenate([[ended_s], ended_s + np.cumsum(lengths)])
        energies = np.concatenate([[joules], joules + np.cumsum(block["watts"] * lengths)])
        inside = (times_s >= ended_s) & (times_s <= ends_s[-1])
        found[inside] = np.interp(times_s[inside], ends_s, energies)
        between = (ends_s[1:] > times_s.min()) & (ends_s[:-1] < times_s.max())
        peak = max(peak, float(block["watts"][between].max(initial=0.0)))
        ended_s, joules = ends_s[-1], energies[-1]
    return found, peak


def estimate(stage_us: Mapping[str, Sequence[float]], seconds: float) -> Energy:
    """Estimate the energy of a processor from the times of its stages and the datasheet's currents.

    Args:
        stage_us: microseconds by stage, one value for each inference.
        seconds: from the first to the last; the processor sleeps between the stages.
    """
    busy_s = sum(map(sum, stage_us.values())) / 1e6
    stages_s = {name: np.array(stage_us[name]) / 1e6 for name in STAGES if stage_us.get(name)}
    return Energy(
        seconds,
        busy_s * CPU_WATTS + (seconds - busy_s) * SLEEP_WATTS,
        CPU_WATTS,
        0.0,
        SLEEP_WATTS,
        tuple(
            _stage_energy(name, taken_s * CPU_WATTS, taken_s, len(stages_s[INFERENCE]))
            for name, taken_s in stages_s.items()
        ),
    )


_Runs = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Stage, energy and duration of each of consecutive samples or runs of one stage."""


def _by_run(stages: NDArray[np.int64], joules: NDArray[np.float64], seconds: NDArray[np.float64]) -> _Runs:
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

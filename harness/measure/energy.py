"""Energy of a board: a power meter records while the board listens, or infers in bursts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from harness.boards.board import Board
from harness.boards.small_linux.runner import WARM_UPS, open_session, other_cores, processor_seconds
from harness.errors import MeterFailed, ProtocolError, UsageError
from harness.firmware.firmware import Firmware
from harness.link.dut import DeviceUnderTest
from harness.link.events import Inference
from harness.measure.listener import INVOCATIONS
from harness.measure.session import noise_inputs
from harness.meters.meter import Meter
from harness.meters.trace import Trace
from harness.stats.energy import (
    INFERENCE,
    STAGES,
    BrokenTrace,
    Burst,
    BurstEnergy,
    Energy,
    burst_energy,
    energy_of,
    estimate,
)
from models import progress
from models.data.wav import SAMPLE_RATE_HZ
from models.reference import ReferenceModel

BURSTS = 5
"""Number of bursts, that of the windows of MLPerf Tiny's energy mode; the median counts."""
BURST_S = 1.0
"""Least length of a burst: the samples at its ends must not matter."""
_IDLE_S = 1.2
"""Idle time between two bursts; a border is marked in its middle."""
_HELD_UP_S = 0.1
"""Delay of this host after which the meter's samples may not be read yet; it rests again."""
_AROUND_S = 0.6
"""Idle time around a border that gives the idle power: a mark lags by some hundredths of a second."""
_SETTLING_S = 0.5
"""Time after the microphone starts and before it stops that the mean power leaves out."""
_MOST_OTHER_CORES = 0.1
"""Work of other processes above which the highest power says nothing about the inferences."""
_WIRING = (
    "Check the wires of the stage pins and `stage_inputs` in the bench file, or measure without them: "
    "--no-stages. The samples are kept."
)


@dataclass(frozen=True)
class BoardEnergy:
    """Energy of an image on a board.

    Attributes:
        listening: while the board listened; None for a model that takes no audio.
        bursts: None where the stage pins show each inference.
        inferences: that the board reported while it listened.
    """

    listening: Energy | None
    bursts: BurstEnergy | None
    inferences: int


def measure_bursts(meter: Meter, infer: Callable[[int], float]) -> list[Burst]:
    """Let a device infer in bursts while the meter records.

    Args:
        meter: is recording.
        infer: infers a number of times and returns the seconds that this took, by the device's clock.

    Raises:
        MeterFailed: see `Meter.mark`.
    """
    inferences = max(1, math.ceil(BURST_S / infer(1)))
    advance = progress.count(BURSTS, "bursts")
    found = []
    _rest()
    begin_s = meter.mark()
    for _ in range(BURSTS):
        _rest()
        taken_s = infer(inferences)
        _rest()
        end_s = meter.mark()
        found.append(Burst(begin_s, end_s, taken_s, inferences))
        begin_s = end_s
        advance()
    _rest()
    return found


def _rest() -> None:
    """Let the device idle until a mark is near; a mark of a host that was held up would lie in a burst."""
    while True:
        begin_s = time.monotonic()
        time.sleep(_IDLE_S / 2)
        if time.monotonic() - begin_s <= _IDLE_S / 2 + _HELD_UP_S:
            return


def measure_board(
    board: Board,
    firmware: Firmware,
    reference: ReferenceModel,
    meter: Meter,
    inputs: tuple[int, int] | None,
    seconds: float,
    folder: Path,
) -> BoardEnergy:
    """Upload an image and measure the energy of its stages and inferences.

    The meter records from before the upload: it may be what powers the board.

    Args:
        inputs: of the meter, that the stage pins are wired to; None without them, for an image that infers
            in bursts.
        seconds: time for which the board listens.
        folder: receives the transcript and the samples.

    Raises:
        MeterFailed: the meter failed, or its trace is not one of this board; the samples stay.
        EarshotError: see `Board.upload` and `Board.open`.
    """
    meter.start(folder / "samples")
    try:
        board.upload(firmware)
        device = board.open(folder / "transcript.log")
        bursts: list[Burst] = []
        if inputs is None or not reference.hears:
            device.load(noise_inputs(reference, 1)[0].tobytes())
            with progress.task("infer in bursts"):
                bursts = measure_bursts(meter, partial(_infer, device))
        span, inferences = (0.0, 0.0), 0
        if reference.hears:
            with progress.task("listen"):
                span, inferences = _listen(device, meter, seconds)
    except BaseException:
        meter.stop()  # its failure is the cause: it may power the board
        raise
    trace = meter.stop()
    try:
        return BoardEnergy(
            listening=_listening(trace, span, inputs, inferences) if reference.hears else None,
            bursts=_energy_of_bursts(trace, bursts) if bursts else None,
            inferences=inferences,
        )
    except BrokenTrace as problem:
        raise MeterFailed(str(problem), where=str(trace.file), remedy=problem.remedy or _WIRING) from problem


def measure_image(device: DeviceUnderTest, meter: Meter) -> BurstEnergy:
    """Return the energy of an inference on the loaded input, while the meter records.

    Raises:
        MeterFailed: the meter failed, or its trace shows no bursts.
        ProtocolError: the board's answers have no times.
    """
    bursts = measure_bursts(meter, partial(_infer, device))
    return _energy_of_bursts(meter.so_far(), bursts)


def measure_host(model: Path, model_input: np.ndarray, meter: Meter, file: Path) -> BurstEnergy:
    """Return the energy of an inference of an ONNX model on this host, with one thread.

    There is no peak if other processes worked meanwhile: the meter counts the whole processor or computer.

    Args:
        model_input: with a batch of 1.
        file: receives the samples.

    Raises:
        MeterFailed: the meter failed, or its trace shows no bursts; the samples stay.
    """
    session = open_session(str(model), threads=1)
    feed = {session.get_inputs()[0].name: model_input}

    def infer(inferences: int) -> float:
        begin = time.perf_counter()
        for _ in range(inferences):
            session.run(None, feed)
        return time.perf_counter() - begin

    infer(WARM_UPS)
    meter.start(file)
    before = processor_seconds()
    try:
        bursts = measure_bursts(meter, infer)
    finally:
        trace = meter.stop()
    others = other_cores(before, processor_seconds())
    found = _energy_of_bursts(trace, bursts)
    peak = None if others is None or others > _MOST_OTHER_CORES else found.peak_watts
    return replace(found, peak_watts=peak, other_cores=others)


def _energy_of_bursts(trace: Trace, bursts: list[Burst]) -> BurstEnergy:
    try:
        return burst_energy(trace.blocks(), bursts, _AROUND_S)
    except BrokenTrace as problem:
        remedy = "Check that the meter is in the supply of this board alone. The samples are kept."
        raise MeterFailed(str(problem), where=str(trace.file), remedy=remedy) from problem


def model_board(
    board: Board, firmware: Firmware, reference: ReferenceModel, seconds: float, folder: Path
) -> Energy:
    """Upload an image to a board with a modeled clock, let it listen, and estimate its energy.

    A model that takes no audio infers without a pause.

    Args:
        seconds: time for which the board listens, to silence.
        folder: receives the transcript.

    Raises:
        UsageError: the board made no inference in this time.
        EarshotError: see `Board.upload` and `Board.open`.
    """
    board.upload(firmware)
    device = board.open(folder / "transcript.log")
    if not reference.hears:
        device.load(noise_inputs(reference, 1)[0].tobytes())
        taken_s = _infer(device, INVOCATIONS)
        return estimate({INFERENCE: [taken_s / INVOCATIONS * 1e6] * INVOCATIONS}, taken_s)
    stage_us: dict[str, list[float]] = {stage: [] for stage in STAGES[1:]}
    silence = np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16)
    for event in device.listen(lambda: board.listen(silence)):
        if isinstance(event, Inference):
            for stage, taken_us in stage_us.items():
                taken_us.append(getattr(event, f"{stage}_us"))
    if not stage_us[INFERENCE]:
        raise UsageError(
            f"the board made no inference in {seconds:g} s", remedy="Let it listen longer: --seconds 5."
        )
    return estimate(stage_us, seconds)


def _infer(device: DeviceUnderTest, invocations: int) -> float:
    answer = device.infer(invocations)
    if answer.lap_us is None:
        raise ProtocolError(
            "the board's answer to `infer` has no two times", remedy="Upload again with `earshot energy`."
        )
    return answer.lap_us * invocations / 1e6


def _listen(device: DeviceUnderTest, meter: Meter, seconds: float) -> tuple[tuple[float, float], int]:
    """Let the board listen to the room; return from when to when in the trace, and the inferences."""
    begin_s = meter.mark()
    events = device.listen(lambda: time.sleep(seconds + 2 * _SETTLING_S))
    inferences = sum(isinstance(event, Inference) for event in events)
    time.sleep(_IDLE_S)  # the trace ends with an idle board
    return (begin_s, meter.mark()), inferences


def _listening(
    trace: Trace, span: tuple[float, float], inputs: tuple[int, int] | None, inferences: int
) -> Energy:
    begin_s, end_s = span
    if inputs is None:  # the ends are not those of the listening
        begin_s, end_s = begin_s + _SETTLING_S, end_s - _SETTLING_S - _IDLE_S
    energy = energy_of(trace.blocks(begin_s, end_s), inputs)
    seen = next((stage.joules.n for stage in energy.stages if stage.stage == INFERENCE), inferences)
    if seen != inferences:
        raise BrokenTrace(f"the board inferred {inferences} times, and its stage pins show {seen} inferences")
    return energy

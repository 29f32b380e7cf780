"""One block of a night: upload, reset, handshake, check of the image, warm-ups, then the samples.

On a small Linux computer a block is a process of its own, with one thread.

A night is judged by blocks and not by one long session, because samples of one upload are not independent of
each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from harness.boards.board import Board
from harness.boards.linux import Linux
from harness.errors import MeterFailed, Throttled, UsageError
from harness.firmware.firmware import Firmware
from harness.link.dut import DeviceUnderTest
from harness.link.events import Inference, Loss, Overrun
from harness.measure.energy import measure_host, measure_image
from harness.measure.onnx import measure_onnx
from harness.measure.retry import Retries
from harness.meters.meter import Meter
from harness.records.record import STAGES
from harness.stats.energy import BurstEnergy
from models import progress

WARMUPS, SAMPLES = 5, 50
"""Invocations of each series of a block: first the dropped ones, then the counted ones."""

SECONDS_A_SAMPLE = 2.0
"""Longest listening: ten times the slowest published keyword spotter on this processor (MLPerf Tiny)."""

CLIP_MODE = "clip"
"""Input mode of command mode: one clip, sent as samples, and the engine timed on it repeatedly."""


@dataclass(frozen=True)
class Network:
    """The .onnx that a small Linux computer runs, in place of firmware."""

    image: Path
    engine: str = Linux.default_engine


@dataclass(frozen=True)
class BlockTarget:
    """An image and its input.

    Attributes:
        id: of the variant, or "canary".
        image_sha256: of the image's file, 64 hex digits.
        golden: int16 samples of one second for a model that hears, (16000,); else the bytes of its input; of
            a network its float32 input, with a batch of 1.
    """

    id: str
    firmware: Firmware | Network
    image_sha256: str
    golden: np.ndarray | bytes


@dataclass
class BlockResult:
    """Figures of a block; one that broke off has those that had arrived.

    Attributes:
        samples_us: by "<metric>/<input mode>", in time order, without warm-ups.
        samples_nj: the same of energies.
        lost: damaged or missing records and answers, by the same keys.
        checks: exact figures by "<metric>/<input mode>", or by the metric alone on the clip.
        observations: of the bench.
    """

    samples_us: dict[str, list[int | float]] = field(default_factory=dict)
    samples_nj: dict[str, list[int]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    checks: dict[str, str | int] = field(default_factory=dict)
    observations: dict[str, str] = field(default_factory=dict)


def image_sha256(image: Path) -> str:
    """Return the SHA-256 of an image's file, 64 hex digits."""
    return hashlib.sha256(image.read_bytes()).hexdigest()


def measure_block(
    board: Board,
    target: BlockTarget,
    result: BlockResult,
    transcript: Path,
    samples: int = SAMPLES,
    listens: bool = True,
    meter: Meter | None = None,
) -> None:
    """Measure one block.

    Args:
        result: filled in; a failed attempt's figures remain only if no retry follows.
        transcript: receives every line of the board; those of failed attempts lie beside it.
        listens: also time all stages while the board listens, if the model hears, and count their cycles, if
            the board's clock is modeled; not for the canary, whose image may be older.
        meter: measures the energy of an inference, too. If it fails, the block has times only.

    Raises:
        UploadFailed, BoardNotFound: the board or its port is gone, after all retries.
        ProtocolError: another image runs, or the board sent something unexpected.
        Throttled: the computer was slowed down meanwhile, so its times are left out.
        UsageError: the image's file has changed; the board was left alone.
    """
    retries = Retries(board.recover)
    _check_image(target)
    transcript.parent.mkdir(parents=True, exist_ok=True)

    def attempt() -> None:
        for part in (result.samples_us, result.samples_nj, result.lost, result.checks, result.observations):
            part.clear()
        result.observations.update(
            {f"retry {number}": note for number, note in enumerate(retries.notes, start=1)}
        )
        if isinstance(target.firmware, Network):
            _measure_network(board, target, result, transcript, samples, meter)
            return
        with _recording(meter, transcript.with_suffix(".samples"), result) as recording:
            _measure_once(
                board, target.firmware, target.golden, result, transcript, samples, listens, recording
            )

    retries.run("block", attempt, [transcript])


def _check_image(target: BlockTarget) -> None:
    found = image_sha256(target.firmware.image)
    if found != target.image_sha256:
        raise UsageError(
            f"the image of {target.id} has changed: {found[:8]} instead of {target.image_sha256[:8]}",
            where=str(target.firmware.image),
            remedy="Restore the file, or remove its folder to have another image kept.",
        )


def _measure_network(
    board: Board,
    target: BlockTarget,
    result: BlockResult,
    transcript: Path,
    samples: int,
    meter: Meter | None,
) -> None:
    """Time a network with one thread; the transcript is the runner's answer."""
    assert isinstance(board, Linux) and isinstance(target.golden, np.ndarray)
    image, computer = target.firmware.image, board.computer
    row, output = measure_onnx(image, target.golden, inferences=samples, computer=computer)
    transcript.write_bytes(msgspec.json.encode(row))
    temperatures_c = row.before.temperature_c, row.after.temperature_c
    result.observations |= {
        "governor": row.governor or "not told",
        "other processes": "not told" if row.other_cores is None else f"{row.other_cores:.1f} cores",
        "temperature": "not told" if None in temperatures_c else "{} to {} °C".format(*temperatures_c),
    }
    result.checks["input_crc"] = f"{zlib.crc32(target.golden.tobytes()):08x}"
    result.checks["output"] = ", ".join(f"{value:.6f}" for value in output)
    if row.throttled:
        raise Throttled(
            row.disturbance,
            where=computer.name,
            remedy="Check its cooling and supply. The samples are kept.",
        )
    key = f"inference_us/{CLIP_MODE}"
    result.samples_us[key], result.lost[key] = row.samples_us, 0
    if meter:
        file = transcript.with_suffix(".samples")
        _measure_energy(partial(measure_host, image, target.golden, meter, file), result)
        if result.samples_nj:
            file.unlink()


def _measure_once(
    board: Board,
    firmware: Firmware,
    golden: np.ndarray | bytes,
    result: BlockResult,
    transcript: Path,
    samples: int,
    listens: bool,
    meter: Meter | None,
) -> None:
    board.upload(firmware)
    device = board.open(transcript)
    result.observations["port"] = board.port
    result.observations["icache"] = device.handshake(firmware).icache
    labels = _time_command_mode(device, golden, result, samples)
    if meter:
        _measure_energy(partial(measure_image, device, meter), result)
    if listens and isinstance(golden, np.ndarray):
        _time_listening(board, device, golden, result, samples, labels)
    if listens and board.describe().clock != "measured":
        # Last, as micros() of what follows would be rounded elsewhere.
        mode = "noise" if isinstance(golden, np.ndarray) else CLIP_MODE
        cycles = device.stage_cycles()
        result.checks |= {f"{stage}_cycles/{mode}": count for stage, count in cycles.items()}


@contextlib.contextmanager
def _recording(meter: Meter | None, samples: Path, result: BlockResult) -> Iterator[Meter | None]:
    """Let a meter record a block, from before the upload: it may power the board. None if it fails."""
    if meter is None:
        yield None
        return
    samples.parent.mkdir(parents=True, exist_ok=True)
    try:
        meter.start(samples)
    except MeterFailed as failure:
        _not_measured(failure, result)
        yield None
        return
    try:
        yield meter
    finally:
        with contextlib.suppress(MeterFailed):  # told where it mattered
            meter.stop()
    if result.samples_nj:
        samples.unlink()  # 80 MB a minute; those of a broken trace stay


def _measure_energy(measure: Callable[[], BurstEnergy], result: BlockResult) -> None:
    try:
        each_joules = measure().each_joules
    except MeterFailed as failure:
        _not_measured(failure, result)
        return
    result.samples_nj[f"inference_nj/{CLIP_MODE}"] = [round(one * 1e9) for one in each_joules]


def _not_measured(failure: MeterFailed, result: BlockResult) -> None:
    result.observations["energy"] = str(failure)
    progress.warn(str(failure))


def _time_command_mode(
    device: DeviceUnderTest, golden: np.ndarray | bytes, result: BlockResult, samples: int
) -> int:
    """Return the number of the model's outputs."""
    if isinstance(golden, np.ndarray):
        result.checks["features_crc"] = f"{device.load_clip(golden):08x}"
        result.checks["input_crc"] = f"{device.input_crc():08x}"
    else:
        device.load(golden)
        result.checks["input_crc"] = f"{zlib.crc32(golden):08x}"
    key = f"inference_us/{CLIP_MODE}"
    taken: list[int | float] = []
    result.samples_us[key] = taken
    result.lost[key] = 0
    for number in range(WARMUPS + samples):
        answer = device.infer(invocations=1, warmups=0)
        if number == 0:
            result.checks["output"] = ", ".join(f"{value:.8f}" for value in answer.results)
        if number < WARMUPS:
            continue
        if answer.lap_us is None:
            result.lost[key] += 1
        else:
            taken.append(round(answer.lap_us))
    return len(answer.results)


def _time_listening(
    board: Board, device: DeviceUnderTest, clip: np.ndarray, result: BlockResult, samples: int, labels: int
) -> None:
    """Time all stages while the clip is played in a loop; a board on the desk hears the room instead."""
    keys = {stage: f"{stage}_us/{'room' if board.acoustic else 'pcm'}" for stage in STAGES}
    for key in keys.values():
        result.samples_us[key], result.lost[key] = [], 0
    enough, limit_s = threading.Event(), (WARMUPS + samples) * SECONDS_A_SAMPLE

    def feed() -> None:
        if board.acoustic:
            enough.wait(limit_s)
        else:
            board.listen(_loop(clip, enough, limit_s))

    seen = overrun = 0
    try:
        for event in device.listen(feed, labels=labels):
            if enough.is_set():
                continue  # read to the end of the stream; the length of this rest depends on the host
            if isinstance(event, Inference):
                seen += 1
                for stage, key in keys.items() if seen > WARMUPS else ():
                    result.samples_us[key].append(getattr(event, f"{stage}_us"))
            elif isinstance(event, Loss):
                for key in keys.values():
                    result.lost[key] += event.lost
            elif isinstance(event, Overrun):
                overrun += event.samples_lost
            if seen == WARMUPS + samples:
                enough.set()
    finally:
        enough.set()
    result.observations["samples_overrun"] = str(overrun)


def _loop(clip: np.ndarray, enough: threading.Event, limit_s: float) -> Iterator[np.ndarray]:
    for _ in range(round(limit_s)):
        if enough.is_set():
            return
        yield clip

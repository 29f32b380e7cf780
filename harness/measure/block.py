"""One block of a night: upload, reset, handshake, check of the image, warm-ups, then the samples.

What the night is judged by is measured in blocks and not within one long session: samples of one upload are
not independent of each other, see the reference on regressions.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.boards.board import Board
from harness.errors import BoardNotFound, UploadFailed, UsageError
from harness.firmware.firmware import Firmware
from harness.link.dut import DeviceUnderTest
from harness.link.events import Inference, Loss, Overrun
from harness.measure.mcu import STAGES

WARMUPS, SAMPLES = 5, 50
"""Invocations that are dropped, and then counted, of each series of a block."""

RETRIES = 2
"""Of what can fail for the host's USB; what the board says is never asked for again."""

SECONDS_A_SAMPLE = 2.0
"""Of listening, at most: ten times the slowest published keyword spotter on this processor (MLPerf Tiny)."""

CLIP_MODE = "clip"
"""Input mode of command mode: one clip, sent as samples, and the engine timed on it again and again."""


@dataclass(frozen=True)
class Subject:
    """An image, and what it is measured on.

    Attributes:
        id: of the variant, or "canary".
        firmware: the image.
        image_sha256: of the image's file, 64 hex digits.
        golden: int16 samples of one second for a model that hears, (16000,); else the bytes of its input.
    """

    id: str
    firmware: Firmware
    image_sha256: str
    golden: np.ndarray | bytes


@dataclass
class Figures:
    """What a block has brought so far; what broke off leaves what had arrived.

    Attributes:
        samples_us: by "<metric>/<input mode>", in time order, warm-ups left out.
        lost: records and answers that were damaged or missing, by the same keys.
        checks: exact figures by name.
        observations: of the bench.
    """

    samples_us: dict[str, list[int]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    observations: dict[str, str] = field(default_factory=dict)


def image_sha256(image: Path) -> str:
    """SHA-256 of an image's file, 64 hex digits."""
    return hashlib.sha256(image.read_bytes()).hexdigest()


def measure_block(
    board: Board,
    subject: Subject,
    figures: Figures,
    transcript: Path,
    samples: int = SAMPLES,
    listens: bool = True,
) -> None:
    """Measures one block.

    When the board or its port is gone, all of it is done again, at most twice; that is observed.

    Args:
        board: runs the image from now on.
        subject: the image, and what it is measured on.
        figures: filled in; of an attempt that failed only when no other follows.
        transcript: takes every line of the board; of failed attempts beside it.
        samples: of each series.
        listens: whether all stages are timed while the board listens, too, if the model hears.

    Raises:
        UploadFailed, BoardNotFound: the board or its port is gone, three times over.
        ProtocolError: another image runs, or the board said something else than expected.
        UsageError: the file is another image than it should be; the board was left alone.
    """
    retries: dict[str, str] = {}
    while True:
        for part in (figures.samples_us, figures.lost, figures.checks, figures.observations):
            part.clear()
        figures.observations.update(retries)
        try:
            _attempt(board, subject, figures, transcript, samples, listens)
            return
        except (UploadFailed, BoardNotFound) as failure:
            if len(retries) == RETRIES:
                raise
            retries[f"retry {len(retries) + 1}"] = str(failure)
            if transcript.exists():
                transcript.rename(transcript.with_suffix(f".failed-{len(retries)}{transcript.suffix}"))


def _attempt(
    board: Board, subject: Subject, figures: Figures, transcript: Path, samples: int, listens: bool
) -> None:
    found = image_sha256(subject.firmware.image)
    if found != subject.image_sha256:
        raise UsageError(
            f"the image of {subject.id} is another one: {found[:8]} in place of {subject.image_sha256[:8]}",
            where=str(subject.firmware.image),
            remedy="Put the old file back. If it is gone, remove its folder, to have another image made.",
        )
    transcript.parent.mkdir(parents=True, exist_ok=True)
    board.upload(subject.firmware)
    device = board.open(transcript)
    figures.observations["port"] = board.port
    figures.observations["icache"] = device.handshake(subject.firmware).icache
    _time_command_mode(device, subject, figures, samples)
    if listens and isinstance(subject.golden, np.ndarray):
        _time_listening(board, device, subject.golden, figures, samples)


def _time_command_mode(device: DeviceUnderTest, subject: Subject, figures: Figures, samples: int) -> None:
    if isinstance(subject.golden, np.ndarray):
        figures.checks["features_crc"] = f"{device.load_clip(subject.golden):08x}"
        figures.checks["input_crc"] = f"{device.input_crc():08x}"
    else:
        device.load(subject.golden)
        figures.checks["input_crc"] = f"{zlib.crc32(subject.golden):08x}"
    key = f"inference_us/{CLIP_MODE}"
    taken = figures.samples_us[key] = []
    figures.lost[key] = 0
    for number in range(WARMUPS + samples):
        answer = device.infer(invocations=1, warmups=0)
        if number == 0:
            figures.checks["output"] = ", ".join(f"{value:.8f}" for value in answer.results)
        if number < WARMUPS:
            continue
        if answer.lap_us is None:
            figures.lost[key] += 1
        else:
            taken.append(round(answer.lap_us))


def _time_listening(
    board: Board, device: DeviceUnderTest, clip: np.ndarray, figures: Figures, samples: int
) -> None:
    """All stages while the clip is heard again and again; a board on the desk hears the room."""
    keys = {stage: f"{stage}_us/{'room' if board.acoustic else 'pcm'}" for stage in STAGES}
    for key in keys.values():
        figures.samples_us[key], figures.lost[key] = [], 0
    enough, limit_s = threading.Event(), (WARMUPS + samples) * SECONDS_A_SAMPLE

    def wait() -> None:
        enough.wait(limit_s)

    def play() -> None:
        board.listen(_again_and_again(clip, enough, limit_s))

    seen = overrun = 0
    try:
        for event in device.listen(wait if board.acoustic else play):
            if enough.is_set():
                continue  # to the end of the stream; how much more there is depends on the host
            if isinstance(event, Inference):
                seen += 1
                if seen > WARMUPS:
                    _take(event, figures, keys)
            elif isinstance(event, Loss):
                for key in keys.values():
                    figures.lost[key] += event.lost
            elif isinstance(event, Overrun):
                overrun += event.samples_lost
            if seen == WARMUPS + samples:
                enough.set()
    finally:
        enough.set()
    figures.observations["samples_overrun"] = str(overrun)


def _take(event: Inference, figures: Figures, keys: dict[str, str]) -> None:
    times = (event.preprocess_us, event.inference_us, event.postprocess_us)
    for stage, time_us in zip(STAGES, times, strict=True):
        figures.samples_us[keys[stage]].append(time_us)


def _again_and_again(clip: np.ndarray, enough: threading.Event, limit_s: float) -> Iterator[np.ndarray]:
    """The clip until there is enough, at most so many seconds of it."""
    for _ in range(round(limit_s)):
        if enough.is_set():
            return
        yield clip

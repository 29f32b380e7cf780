"""The host's microphone."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import AcousticFailed, SoundGap
from harness.sound.devices import find_device
from models.data.wav import SAMPLE_RATE_HZ

_BLOCK_S = 0.1
_STALL_S = 5.0  # a device that delivers nothing for this long is gone


class Microphone:
    """An input device of the host.

    Args:
        name: a part of its name; None or empty for the system default.

    Attributes:
        has_stopped: set once the device failed during a recording.

    Raises:
        AcousticFailed: no device or several devices match.
    """

    def __init__(self, name: str | None) -> None:
        self._device = find_device(name or "", "input")
        self.name = self._device.name
        self.has_stopped = False

    def record(self, seconds: float, watch: Callable[[NDArray[np.int16]], None]) -> NDArray[np.int16]:
        """Record from now on.

        Args:
            watch: called with each tenth of a second as it arrives: int16 (N,).

        Returns:
            int16 (seconds · 16,000,), mono.

        Raises:
            AcousticFailed: the device refuses or stops.
            SoundGap: the host was late, and samples are lost.
        """
        import sounddevice

        rate_hz = self._device.rate_hz
        arrived: queue.Queue[NDArray[np.int16]] = queue.Queue()
        lost: list[float] = []

        def take(block: NDArray[np.int16], frames: int, times: Any, status: Any) -> None:
            if status.input_overflow:
                lost.append(time.monotonic())
            arrived.put(block[:, 0].copy())

        blocks: list[NDArray[np.int16]] = []
        wanted, got = round(seconds * rate_hz), 0
        try:
            with sounddevice.InputStream(
                device=self._device.index,
                samplerate=rate_hz,
                channels=1,
                dtype="int16",
                latency="high",
                blocksize=round(_BLOCK_S * rate_hz),
                callback=take,
            ):
                while got < wanted:
                    blocks.append(arrived.get(timeout=_STALL_S))
                    got += len(blocks[-1])
                    watch(blocks[-1])
        except (queue.Empty, sounddevice.PortAudioError) as problem:
            raise self._failed(f"stopped: {problem}" if str(problem) else "delivers nothing") from problem
        if lost:
            raise SoundGap(
                f"the recording has gaps ({len(lost)}): the host was late for the microphone",
                where=self.name,
                remedy="Keep other work off the host.",
            )
        sound = np.concatenate(blocks)[:wanted]
        return soxr.resample(sound, rate_hz, SAMPLE_RATE_HZ)[: round(seconds * SAMPLE_RATE_HZ)]

    def _failed(self, what: str) -> AcousticFailed:
        self.has_stopped = True
        return AcousticFailed(
            f"the microphone {what}",
            where=self.name,
            remedy="Check that it is plugged in and no other program uses it; `earshot doctor` lists it.",
        )

"""The host's microphone."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import AcousticFailed, SoundGap
from harness.sound.devices import Device, accepted_format, find_device, resampled
from models.data.wav import SAMPLE_RATE_HZ

_BLOCK_S = 0.02
_METER_S = 0.1
_LATENCY_S = 0.2  # of the device's buffer: a busy host's pauses are shorter
_STALL_S = 5.0  # a device that delivers nothing for this long is gone
_WINDOW_S = 5.0  # in which the sound comes on time at least once, on a host that keeps up
_GAP_S = 0.3  # sound that is missing for a window is lost; a clock that is 1 % off misses less


@dataclass(frozen=True)
class Loss:
    """Samples that the device lost.

    Attributes:
        at_s: seconds of delivered sound before them, or at most 5 s later.
        seconds: their length; None if the device only reports that there were some.
    """

    at_s: float
    seconds: float | None = None

    def __str__(self) -> str:
        much = f"{self.seconds:.1f} s of sound" if self.seconds else "samples"
        return f"the microphone lost {much} at {self.at_s:.1f} s: the host was late for it"


class Capture:
    """Sound of a microphone from the moment it is switched on; see `Microphone.capture`.

    Attributes:
        frames: delivered by the device so far, at its own rate.
        losses: reported by the device, and those that only show by the clock: PulseAudio reports none.
        began_s: time of the first sample on the host's monotonic clock; None before it.
    """

    def __init__(self, device: Device, rate_hz: int) -> None:
        self.frames = 0
        self.losses: list[Loss] = []
        self.began_s: float | None = None
        self._missing_s = 0.0
        self._least_s, self._looked_s = math.inf, 0.0
        self._device, self._rate_hz = device, rate_hz
        self._arrived: queue.SimpleQueue[NDArray[np.int16] | None] = queue.SimpleQueue()

    @property
    def seconds(self) -> float:
        """Return how many seconds of sound the device has delivered."""
        return self.frames / self._rate_hz

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Yield the sound as it comes: int16 (N,), 16 kHz mono, of any length; ends after `end`.

        Raises:
            AcousticFailed: the device stopped.
        """
        return resampled(self._delivered(), self._rate_hz, SAMPLE_RATE_HZ)

    def end(self) -> None:
        """End the sound here; a signal handler may call this."""
        self._arrived.put(None)

    def take(self, block: NDArray[np.int16], frames: int, times: Any, status: Any) -> None:
        """Take a block (frames, channels) of PortAudio, in its own thread."""
        now_s = time.monotonic()
        if self.began_s is None:
            self.began_s = now_s - frames / self._rate_hz
        if status.input_overflow:
            self.losses.append(Loss(self.seconds))
        self.frames += frames
        self._arrived.put(block[:, 0].copy())
        self._compare_with_clock(now_s - self.began_s)

    def _compare_with_clock(self, passed_s: float) -> None:
        """Note a loss if sound is missing for a whole window; a slow drift of clocks is no loss."""
        self._least_s = min(self._least_s, passed_s - self.seconds)
        if passed_s - self._looked_s < _WINDOW_S:
            return
        lost_s = self._least_s - self._missing_s
        if lost_s > _GAP_S:
            self.losses.append(Loss(self.seconds, lost_s))
        self._missing_s, self._least_s, self._looked_s = self._least_s, math.inf, passed_s

    def _delivered(self) -> Iterator[NDArray[np.int16]]:
        try:
            while (block := self._arrived.get(timeout=_STALL_S)) is not None:
                yield block
        except queue.Empty:
            raise _stopped(self._device, "delivers nothing") from None


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

    @contextmanager
    def capture(self) -> Iterator[Capture]:
        """Switch the microphone on, at its own rate, for the length of the context.

        Raises:
            AcousticFailed: the device refuses or stops.
        """
        import sounddevice

        try:
            rate_hz, channels = accepted_format(self._device, "input", (self._device.rate_hz, SAMPLE_RATE_HZ))
            capture = Capture(self._device, rate_hz)
            stream = sounddevice.InputStream(
                device=self._device.index,
                samplerate=rate_hz,
                channels=channels,
                dtype="int16",
                latency=_LATENCY_S,
                blocksize=round(_BLOCK_S * rate_hz),
                callback=capture.take,
            )
            with stream:
                yield capture
        except sounddevice.PortAudioError as problem:
            self.has_stopped = True
            raise _stopped(self._device, f"stopped: {problem}") from problem
        except AcousticFailed:
            self.has_stopped = True
            raise

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
        wanted, sound, watched = round(seconds * SAMPLE_RATE_HZ), np.zeros(0, np.int16), 0
        with self.capture() as capture:
            for block in capture.blocks():
                sound = np.concatenate((sound, block))
                if len(sound) - watched >= _METER_S * SAMPLE_RATE_HZ or len(sound) >= wanted:
                    watch(sound[watched:])
                    watched = len(sound)
                if len(sound) >= wanted:
                    break
        if capture.losses:
            raise SoundGap(
                f"the recording has gaps ({len(capture.losses)}): the host was late for the microphone",
                where=self.name,
                remedy="Keep other work off the host.",
            )
        return sound[:wanted]


def _stopped(device: Device, what: str) -> AcousticFailed:
    return AcousticFailed(
        f"the microphone {what}",
        where=device.name,
        remedy="Check that it is plugged in and no other program uses it; `earshot doctor` lists it.",
    )

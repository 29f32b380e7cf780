"""The microphone of a plugged-in board, in real time: a source of PulseAudio, or a quiet room."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

import numpy as np

from harness.boards.qemu.machine import dies_with_its_parent
from harness.errors import AcousticFailed

_RATE_HZ = 16_000
_CHUNK_S = 0.02
_CHUNK_BYTES = int(_RATE_HZ * _CHUNK_S) * 2
_ROOM_NOISE = 3.0  # standard deviation in steps of int16: -81 dBFS, a quiet room


class Microphone:
    """A microphone that always hears, and keeps only what comes while somebody listens.

    Args:
        source: of PulseAudio, such as "room.monitor"; empty for a room where nothing plays.

    Attributes:
        gain: factor of all sound; 0 for a covered microphone.
        failure: why the source ended; None while it lasts.

    Raises:
        AcousticFailed: there is no `parec`, or it cannot hear the source.
    """

    def __init__(self, source: str = "") -> None:
        self.gain = 1.0
        self.failure: AcousticFailed | None = None
        self._source = source
        self._listeners: list[queue.Queue[bytes]] = []
        self._noise = np.random.default_rng(0)
        self._recorder: subprocess.Popen[bytes] | None = None
        if source:
            if shutil.which("parec") is None:
                raise AcousticFailed(
                    "parec is not installed", remedy="Install it: apt-get install pulseaudio-utils"
                )
            self._recorder = subprocess.Popen(
                [
                    *dies_with_its_parent(),
                    *("parec", f"--device={source}", "--format=s16le", f"--rate={_RATE_HZ}", "--channels=1"),
                    *("--raw", "--latency-msec=20", "--client-name=microphone"),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert self._recorder.stdout is not None
            if not self._recorder.stdout.read(2):  # one sample: a source delivers silence, too
                raise self._ended()
        threading.Thread(target=self._hear, name="microphone", daemon=True).start()

    def listen(self) -> Iterator[bytes]:
        """Yield little-endian int16 from now on, in pieces of 20 ms, as they come."""
        heard: queue.Queue[bytes] = queue.Queue()
        self._listeners.append(heard)
        try:
            while True:
                yield heard.get()
        finally:
            self._listeners.remove(heard)

    def _hear(self) -> None:
        for chunk in self._chunks():
            samples = np.frombuffer(chunk, "<i2") * self.gain
            samples = samples + self._noise.normal(0, _ROOM_NOISE, len(samples))
            heard = np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
            for listener in list(self._listeners):
                listener.put(heard)

    def _chunks(self) -> Iterator[bytes]:
        if self._recorder:
            assert self._recorder.stdout is not None
            while len(chunk := self._recorder.stdout.read(_CHUNK_BYTES)) == _CHUNK_BYTES:
                yield chunk
            self.failure = self._ended()
            return
        due = time.monotonic()
        while True:
            due += _CHUNK_S
            time.sleep(max(0.0, due - time.monotonic()))
            yield bytes(_CHUNK_BYTES)

    def _ended(self) -> AcousticFailed:
        """Return the failure of a recorder that delivers nothing more."""
        assert self._recorder
        _, told = self._recorder.communicate()
        reason = " ".join(told.decode(errors="replace").split()) or "it ended"
        return AcousticFailed(
            f"the microphone's source cannot be heard: {reason}",
            where=f"--microphone {self._source}",
            remedy="Start PulseAudio or PipeWire, and name a source of `pactl list short sources`.",
        )

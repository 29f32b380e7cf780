"""Live listening: the host's microphone, sample by sample into a board, or a board in its room."""

from __future__ import annotations

import threading
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.boards.board import Board
from harness.errors import EarshotError, ProtocolError
from harness.link.deadline import Deadline
from harness.link.dut import DeviceUnderTest
from harness.link.events import End, Event, Inference, Loss, Overrun
from harness.measure.streaming import BUFFER_SAMPLES
from harness.sound.levels import rms_dbfs
from harness.sound.microphone import Capture, Microphone
from models.data.wav import SAMPLE_RATE_HZ

BEHIND_S = 1.0
"""Delay of the board behind the microphone above which it does not keep up."""

PATIENCE_S = 5.0
"""Time for a board to catch up, as after a pause of the whole host."""

_LEVEL_SAMPLES = SAMPLE_RATE_HZ // 10
_UNKNOWN_LENGTH = 0x3FFF_FFFF  # of a WAV file that is being written; see `models.data.wav`


@dataclass
class LiveSound:
    """Sound on its way from a microphone to a board, in whole buffers of the board's microphone.

    Args:
        capture: the running microphone.
        path: WAV file that keeps the sound; None keeps nothing.
        most_samples: number at which the sound ends; None for no limit.

    Attributes:
        samples: passed on so far.
        level_dbfs: of the last tenth of a second.
    """

    capture: Capture
    path: Path | None = None
    most_samples: int | None = None
    samples: int = field(default=0, init=False)
    level_dbfs: float | None = field(default=None, init=False)
    _newest: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16), init=False)

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Yield the sound as int16 (N,), N a multiple of `BUFFER_SAMPLES`; the rest at its end is dropped."""
        rest = np.zeros(0, np.int16)
        with ExitStack() as stack:
            file = stack.enter_context(_wav_writer(self.path)) if self.path else None
            for block in self.capture.blocks():
                rest = np.concatenate((rest, block))
                whole = len(rest) // BUFFER_SAMPLES * BUFFER_SAMPLES
                if self.most_samples is not None:
                    whole = min(whole, self.most_samples - self.samples)
                part, rest = rest[:whole], rest[whole:]
                if file:
                    file.writeframesraw(part.astype("<i2").tobytes())
                self.samples += whole
                self._newest = np.concatenate((self._newest, part))[-_LEVEL_SAMPLES:]
                self.level_dbfs = rms_dbfs(self._newest)
                yield part
                if self.samples == self.most_samples:
                    return


@dataclass
class LiveSession:
    """A live session; `events` runs it, `stop` ends it from any thread or signal handler.

    Args:
        board: listens.
        labels: of the model.
        microphone: feeds a board that does not hear the room; beside another board its sound is only kept.
            None for no sound.
        path: WAV file that keeps the sound; None keeps nothing.
        most_s: time at which the session ends; None for no limit.

    Attributes:
        sound: None without a microphone.
        heard_s: the board's time at its last inference.
        behind_s, most_behind_s: how far the board is, and was at most, behind the microphone.
        heard_samples: the board's count, with the lost ones; None before the end.
        samples_lost: that the board was too slow for.
        records_lost: of the board, on the serial line.
    """

    board: Board
    labels: Sequence[str]
    microphone: Microphone | None
    path: Path | None = None
    most_s: float | None = None
    sound: LiveSound | None = field(default=None, init=False)
    heard_s: float = field(default=0.0, init=False)
    behind_s: float = field(default=0.0, init=False)
    most_behind_s: float = field(default=0.0, init=False)
    heard_samples: int | None = field(default=None, init=False)
    samples_lost: int = field(default=0, init=False)
    records_lost: int = field(default=0, init=False)
    _began_s: float = field(default=0.0, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    _late: Deadline | None = field(default=None, init=False)
    _failure: EarshotError | None = field(default=None, init=False)

    def events(self, link: DeviceUnderTest) -> Iterator[Event]:
        """Yield the board's events as they come.

        Raises:
            AcousticFailed: the microphone refuses or stops; the board has heard everything until then.
            ProtocolError: the board fell behind, did not hear every sample, or failed.
        """
        try:
            for event in link.listen(self._feed, labels=len(self.labels)):
                self._take(event)
                yield event
        except ProtocolError as problem:
            raise self._too_slow() if self._is_behind else problem from None
        if self._failure:
            raise self._failure
        if not self.board.acoustic and self.sound and self.heard_samples != self.sound.samples:
            raise ProtocolError(
                f"the microphone delivered {self.sound.samples:,} samples, and the board heard "
                f"{'an unknown number' if self.heard_samples is None else f'{self.heard_samples:,}'}",
                remedy="Listen again; read the transcript.",
            )

    @property
    def sound_starts_s(self) -> float:
        """Return when the sound begins on the board's clock, s: 0 unless the board hears the room."""
        if not self.board.acoustic or self.sound is None or self.sound.capture.began_s is None:
            return 0.0
        return self.sound.capture.began_s - self._began_s

    def stop(self) -> None:
        """End the sound; `events` ends when the board has heard all of it."""
        self._stopped.set()
        if self.sound:
            self.sound.capture.end()

    def _feed(self) -> None:
        self._began_s = time.monotonic()
        if self.microphone is None:
            self._stopped.wait(self.most_s)
            return
        most = None if self.most_s is None else round(self.most_s * SAMPLE_RATE_HZ)
        with self.microphone.capture() as capture:
            sound = LiveSound(capture, self.path, most and most // BUFFER_SAMPLES * BUFFER_SAMPLES)
            self.sound = sound
            if self._stopped.is_set():
                capture.end()
            if self.board.acoustic:
                for _ in sound.blocks():
                    pass
            else:
                self.board.listen(sound.blocks())

    def _take(self, event: Event) -> None:
        if isinstance(event, Inference):
            self.heard_s = event.device_ms / 1000
            self._measure_lag()
        elif isinstance(event, Overrun):
            self.samples_lost += event.samples_lost
        elif isinstance(event, Loss):
            self.records_lost += event.lost
        elif isinstance(event, End):
            self.heard_samples = event.samples + self.samples_lost

    def _measure_lag(self) -> None:
        if self.board.acoustic or self.sound is None or self._stopped.is_set():
            return
        self.behind_s = max(0.0, self.sound.capture.seconds - self.heard_s)
        self.most_behind_s = max(self.most_behind_s, self.behind_s)
        if not self._is_behind:
            self._late = None
        elif self._late is None:
            self._late = Deadline(PATIENCE_S)
        elif self._late.expired:
            self._failure = self._too_slow()
            self.stop()

    @property
    def _is_behind(self) -> bool:
        sound = None if self.board.acoustic else self.sound
        return sound is not None and sound.capture.seconds - self.heard_s > BEHIND_S

    def _too_slow(self) -> ProtocolError:
        assert self.sound is not None
        return ProtocolError(
            f"this machine is too slow to listen live: after {self.sound.capture.seconds:.1f} s the board is "
            f"{self.sound.capture.seconds - self.heard_s:.1f} s behind the microphone",
            remedy="Keep other work off the host, or choose a smaller model; an int8 one is emulated faster.",
        )


@contextmanager
def _wav_writer(path: Path) -> Iterator[wave.Wave_write]:
    """Open a WAV file whose sound can be read even if the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.setnframes(_UNKNOWN_LENGTH)
        yield file

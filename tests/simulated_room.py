"""An emulated board in a simulated room: sound arrives late, softer, with echoes and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.boards.board import Sound
from harness.boards.emulated import EmulatedBoard
from harness.link.dut import DeviceUnderTest
from models.store import Store

RATE_HZ = 16_000


@dataclass
class Room:
    """A speaker, a room and a microphone.

    Attributes:
        delay_s: from the start of the speaker to its first sound at the microphone.
        gain: of the direct sound.
        noise: root mean square, in steps of int16.
        reflections: relative amplitude by delay in seconds.
        played: blocks given to the speaker.
        heard: blocks given to the microphone.
    """

    delay_s: float = 1.3
    gain: float = 0.3
    noise: float = 20.0
    reflections: dict[float, float] = field(
        default_factory=lambda: {0.0031: 0.5, 0.0087: -0.4, 0.0193: 0.3, 0.047: 0.2, 0.11: -0.1}
    )
    played: list[np.ndarray] = field(default_factory=list)
    heard: list[np.ndarray] = field(default_factory=list)

    def through(self, sound: Sound) -> Iterator[np.ndarray]:
        """Convert the blocks of a sound to those at the microphone."""
        rng = np.random.default_rng(5)
        taps = {0: 1.0} | {round(delay * RATE_HZ): share for delay, share in self.reflections.items()}
        longest = max(taps)
        past = np.zeros(longest)
        for block in self._with_delay(sound):
            past = np.concatenate((past[-longest:], block))
            heard = sum(
                share * past[longest - delay : longest - delay + len(block)] for delay, share in taps.items()
            )
            heard = self.gain * heard + self.noise * rng.standard_normal(len(block))
            self.heard.append(np.clip(np.rint(heard), -32_768, 32_767).astype(np.int16))
            yield self.heard[-1]

    def _with_delay(self, sound: Sound) -> Iterator[np.ndarray]:
        yield np.zeros(round(self.delay_s * RATE_HZ))
        for block in sound:
            self.played.append(block)
            yield block.astype(float)
        yield np.zeros(RATE_HZ // 2)  # the speaker ends with silence too


class BoardInRoom(EmulatedBoard):
    """An emulated board whose sound goes through a simulated room."""

    acoustic = True

    def __init__(self, store: Store, room: Room) -> None:
        super().__init__(store)
        self.room = room

    def listen(self, sound: Sound) -> None:
        super().listen(self.room.through(sound))


class BoardInAnEmptyRoom(BoardInRoom):
    """A board without a speaker, which hears noise as soon as it listens."""

    def open(self, transcript: Path) -> DeviceUnderTest:
        device = super().open(transcript)
        listen = device.listen

        def listen_to_noise(feed, **how):
            def both() -> None:
                EmulatedBoard.listen(self, self.room.through([np.zeros(8 * RATE_HZ, np.int16)]))
                feed()

            return listen(both, **how)

        device.listen = listen_to_noise
        return device

    def listen(self, sound: Sound) -> None:
        raise AssertionError("there is no speaker")

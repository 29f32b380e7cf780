"""Plays sound of unknown length through one pinned output device, without a gap, or says why not."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.audio.devices import Device, find_device
from harness.errors import AcousticFailed
from models.wav import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from harness.bench.bench_file import SpeakerEntry

_LOOKAHEAD_S = 0.5  # what a generator may be late, and how much sooner it is asked than it is heard
_CHUNK_S = 0.02  # what the buffer counts in; PortAudio's own blocks are 5 to 40 ms
_STALL_S = 5.0  # a device that takes nothing for so long is gone; a block lasts 0.04 s
_END_S = 2.0  # for closing a device that may hang
_GONE = "Check its cable and that the system still lists it (`earshot doctor`), then run again."


@dataclass(frozen=True)
class Played:
    """What was played.

    Attributes:
        samples: of the sound at 16 kHz, without the silence before it.
        started_monotonic_s: when the device took the first block, on the host's monotonic clock.
        underflows: how often the device had nothing to play; always 0, since playing fails at the first.
    """

    samples: int
    started_monotonic_s: float
    underflows: int = 0


class Speaker:
    """A loudspeaker at one of the host's output devices.

    Args:
        entry: which device, how much silence before (the first 0.5 to 1 s of a stream is often lost), and
            PortAudio's latency. Its level is the business of whoever makes the sound.
    """

    def __init__(self, entry: SpeakerEntry) -> None:
        self._entry = entry

    def play(self, blocks: Iterable[NDArray[np.int16]]) -> Played:
        """Plays silence and then the blocks in one stream, and returns when they have been heard.

        Args:
            blocks: int16 mono at 16 kHz, of any length; asked for 0.5 s ahead, in the caller's thread.

        Raises:
            AcousticFailed: the device is missing, ambiguous, refuses every format, stopped, or had nothing to
                play for a moment; the message says how much had been played.
            Exception: what `blocks` raised; the sound ends at once.
        """
        raise NotImplementedError

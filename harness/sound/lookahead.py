"""Buffer that makes sound ahead of an audio callback, so that the callback never waits for the source."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_TAKE_FRAMES = 800  # written at once: a long block must not hold up the callback


class Lookahead:
    """Bounded buffer between a source, run in its own thread, and a callback.

    Args:
        source: int16 blocks (N,) of any length; the thread waits while the buffer is full.
        frames: capacity of the buffer.

    Attributes:
        taken: frames taken by the callback.
        failure: the exception of the source, if any.
    """

    def __init__(self, source: Iterable[NDArray[np.int16]], frames: int) -> None:
        self.taken = 0
        self.failure: Exception | None = None
        self._source = source
        self._ring = np.zeros(frames, np.int16)
        self._made = 0
        self._over = self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._make, name="sound source", daemon=True).start()

    def wait_until_full(self, timeout_s: float) -> None:
        """Wait until the buffer is full, the source has ended, or the time is over."""
        end_s = time.monotonic() + timeout_s
        with self._changed:
            while self._made - self.taken < len(self._ring) and not self._over and time.monotonic() < end_s:
                self._changed.wait(end_s - time.monotonic())

    def take(self, out: NDArray[np.int16]) -> int:
        """Fill `out` (N,), with silence after the available frames; return their number."""
        with self._changed:
            count = min(len(out), self._made - self.taken)
            out[:count] = self._ring[np.arange(self.taken, self.taken + count) % len(self._ring)]
            out[count:] = 0
            self.taken += count
            self._changed.notify_all()
        return count

    @property
    def is_exhausted(self) -> bool:
        with self._changed:
            return self._over and self.taken == self._made

    def close(self) -> None:
        """End the source at its next block, without waiting: the source may be stuck."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _make(self) -> None:
        try:
            for block in self._source:
                while len(block):
                    put = self._put(block[:_TAKE_FRAMES])
                    if not put:
                        return
                    block = block[put:]
        except Exception as problem:
            self.failure = problem
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _put(self, part: NDArray[np.int16]) -> int:
        """Wait for space; return the number of frames stored, 0 once the buffer is closed."""
        with self._changed:
            while self._made - self.taken == len(self._ring) and not self._closed:
                self._changed.wait()
            if self._closed:
                return 0
            count = min(len(part), len(self._ring) - (self._made - self.taken))
            self._ring[np.arange(self._made, self._made + count) % len(self._ring)] = part[:count]
            self._made += count
            self._changed.notify_all()
            return count

"""Deadline: a point in time that is passed down instead of loose seconds."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """A point in time, counted from construction.

    Args:
        seconds: time from now; 0 or less has expired already.
        clock: seconds that only grow.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end_s = clock() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end_s - self._clock())

    @property
    def expired(self) -> bool:
        return self._clock() >= self._end_s

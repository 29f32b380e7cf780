"""How far a study is, in lines, with the time that is left by the pace of the last points."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from models.errors import UserFacingError

_PACE_POINTS = 16
"""The pace is that of so many points: those that the store had pass in no time and soon are forgotten."""

_PAUSE_S = 10.0
"""Between two lines on how far it is."""


class Progress:
    """Tells how far a study is.

    Args:
        study: its name.
        total: how many points it has.
        say: told the lines.
        clock: seconds, monotonic.
    """

    def __init__(
        self, study: str, total: int, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._study, self._total, self._say, self._clock = study, total, say, clock
        self._done = self._failed = 0
        self._times = deque([clock()], maxlen=_PACE_POINTS + 1)
        self._said_at = clock()

    def step(self, line: str) -> None:
        """Passes a line about a step on, unless nothing was to be done."""
        if line.endswith(" s"):
            self._say(line)

    def point(self, failure: UserFacingError | None) -> None:
        """A point is ready, or failed."""
        now = self._clock()
        self._done += 1
        self._times.append(now)
        if failure is not None:
            self._failed += 1
            self._say(f"{self._study}: {failure}")
        if self._done == self._total or now - self._said_at >= _PAUSE_S:
            self._said_at = now
            self._say(f"{self._study}: {self._state(now)}")

    def _state(self, now: float) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        text = f"{self._done} of {self._total} points{failed}"
        if self._done == self._total:
            return text
        left_s = (now - self._times[0]) / (len(self._times) - 1) * (self._total - self._done)
        return f"{text}; about {_duration(left_s)} left"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, 1):.0f} s"

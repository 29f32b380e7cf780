"""Plays a sound in a thread of its own while somebody else reads what the board makes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Feeder:
    """Starts at once: runs `feed`, then `then`, whether `feed` succeeded or not.

    Attributes:
        failure: what `feed`, or else `then`, raised; None if nothing.
    """

    def __init__(self, feed: Callable[[], None], then: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        self._feed, self._then = feed, then
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether `feed` has returned; true before `then` is called."""
        return self._over.is_set()

    def join(self) -> None:
        """Waits until both are done."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._feed()
        except Exception as problem:
            self.failure = problem
        self._over.set()
        try:
            self._then()
        except Exception as problem:
            self.failure = self.failure or problem

"""Signals that stop a run, so that a stopped run keeps its results and releases the board."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType


def sigterm_interrupts() -> AbstractContextManager[None]:
    """Raise KeyboardInterrupt on SIGTERM, with which systemd and CI runners stop a job, as on Ctrl-C."""
    return handled(_interrupt, signal.SIGTERM)


@contextmanager
def handled(handle: Callable[[], None], *numbers: signal.Signals, once: bool = False) -> Iterator[None]:
    """Call a function when one of some signals arrives; with `once` the next one acts as before.

    Python delivers signals to the main thread only; in another thread this does nothing.
    """

    def arrived(number: int, frame: FrameType | None) -> None:
        if once:
            restore()
        handle()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, arrived) for number in numbers if is_main}
    try:
        yield
    finally:
        restore()


def _interrupt() -> None:
    raise KeyboardInterrupt("terminated by SIGTERM")

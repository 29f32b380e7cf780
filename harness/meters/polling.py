"""The pace at which a file of the kernel is read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator


def poll(period_s: float, stopping: threading.Event) -> Iterator[float]:
    """Yield after each period its true length in seconds, until `stopping` is set.

    A late reading stands for a longer time.
    """
    last = time.monotonic()
    while not stopping.wait(max(0.0, last + period_s - time.monotonic())):
        now = time.monotonic()
        yield now - last
        last = now

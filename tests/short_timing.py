"""Timing of the host that ends soon, for tests to which the figures do not matter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.measure import host_runtimes


@contextmanager
def short_host_timing() -> Iterator[None]:
    """Let the host's runtimes warm up and be timed for 10 to 20 ms."""
    with pytest.MonkeyPatch.context() as patch:
        for name, seconds in {"_SHORTEST_S": 0.01, "_LONGEST_S": 0.02, "_WARM_UP_S": 0.01}.items():
            patch.setattr(host_runtimes, name, seconds)
        yield

"""Pools of processes that leave Ctrl-C to the process that started them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

_INTERRUPTED = 130
"""Exit code of a process that Ctrl-C ended."""


def new_pool(number: int, initialize: Callable[..., None] | None = None, *given: Any) -> ProcessPoolExecutor:
    """Create a pool; each process calls `initialize` with the given arguments first.

    The processes are spawned, not forked: torch and TensorFlow have threads that do not survive a fork.
    """
    return ProcessPoolExecutor(number, get_context("spawn"), _start, (initialize, *given))


def _start(initialize: Callable[..., None] | None, *given: Any) -> None:
    # One process per core: with threads of their own they would wait for each other.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    # Ctrl-C reaches every process of the terminal: the parent reports it, the others exit quietly.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    if initialize is not None:
        initialize(*given)

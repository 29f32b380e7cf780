"""Pools of processes that leave Ctrl-C to the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

_INTERRUPTED = 130
"""Exit code of a process that Ctrl-C ended."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # names of glibc's `mallopt`
_LARGEST_KEPT_BYTES = 1 << 30


@contextmanager
def new_pool(
    number: int, initialize: Callable[..., None] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """Start a pool; each process calls `initialize` with the given arguments first.

    The processes are spawned, not forked: torch and TensorFlow have threads that do not survive a fork. At
    the end, running work finishes, so that it is not lost, and waiting work is dropped. Give work by
    `submit`: an interrupted `map` cancels its futures, and Python 3.11 prints a traceback when their
    processes are gone.
    """
    pool = ProcessPoolExecutor(number, get_context("spawn"), _start, (initialize, *given))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start(initialize: Callable[..., None] | None, *given: Any) -> None:
    # One process per core: with threads of their own they would wait for each other.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    # Tensors of a training step are freed and needed again at once: handed back to the kernel in between, as
    # glibc does by default, each page costs a fault, which was an eighth of the training time.
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc alone has it
        for threshold in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            mallopt(threshold, _LARGEST_KEPT_BYTES)
    # Ctrl-C reaches every process of the terminal: the parent reports it, the others exit quietly.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    if initialize is not None:
        initialize(*given)

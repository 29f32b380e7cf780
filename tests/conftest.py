"""What all tests need of the process they run in."""

from __future__ import annotations

import signal
import threading


def pytest_configure() -> None:
    """Undoes what a shell does to the jobs that it starts in the background: they ignore Ctrl-C.

    So would every process that a test starts, and those that are told to stop would not.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)

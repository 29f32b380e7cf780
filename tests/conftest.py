"""Settings of the whole test process."""

from __future__ import annotations

import gc
import os
import signal
import threading

from hypothesis import HealthCheck, settings

# The workers of pytest-xdist share the cores; torch reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A pause of the machine must not fail a property test: no deadline, no check for slowness. A suite that
# passed must pass again: examples are not random. `--hypothesis-profile=default` draws random ones.
settings.register_profile(
    "earshot",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("earshot")


def pytest_report_header() -> str:
    """Name the arduino-cli of the rehearsals."""
    from rehearsal.real_cli import find_real

    return f"arduino-cli of rehearsals: {find_real() or 'the stand-in, since there is no real one'}"


def pytest_configure() -> None:
    """Handle Ctrl-C again where a shell started pytest in the background.

    Such a shell has its jobs ignore SIGINT, and the processes that tests start would inherit that.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Exempt imported modules from garbage collection: a walk over the heap of TensorFlow takes a second."""
    gc.collect()
    gc.freeze()

"""Sessions of processes that end as a whole, and a supervisor that ends one with its caller.

    python -IS session.py CALLER COMMAND [ARGUMENT...]

The supervisor runs a command in its own session, ends with the command's status, and kills the whole session
as soon as the process with the number CALLER is no longer its parent. It needs nothing but the standard
library, and starts within 20 ms.

arduino-cli starts each compiler, discovery and flash tool in a process group of its own, but in its session.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

_PATIENCE_S = 5.0  # for a process inside a system call, which ends at the call's end
_POLL_S = 0.01


def kill_session(session: int) -> None:
    """Kill the processes of a session except this one, and wait for their end."""
    end_s = time.monotonic() + _PATIENCE_S
    while (found := list(_members(session))) and time.monotonic() < end_s:  # one of them may just have forked
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def _members(session: int) -> Iterator[int]:
    """Yield the processes of a session that have not ended, except this one."""
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208, pathlib takes 10 ms to import
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
            state, _parent, _group, own = stat.read().rpartition(b") ")[2].split()[:4]
            if int(own) == session and state not in b"ZX" and int(name) != os.getpid():
                yield int(name)


def _supervise(caller: int, command: list[str]) -> int:
    threading.Thread(target=_end_with, args=[caller], daemon=True).start()
    try:
        status = subprocess.call(command)
    except OSError as problem:
        print(problem, file=sys.stderr)
        return 127
    if os.getppid() != caller:
        kill_session(os.getpid())  # the thread that does so ends with this one
    return status if status >= 0 else 128 - status


def _end_with(caller: int) -> None:
    while os.getppid() == caller:
        time.sleep(_POLL_S)
    kill_session(os.getpid())  # of the session that it leads
    os._exit(1)


if __name__ == "__main__":
    sys.exit(_supervise(int(sys.argv[1]), sys.argv[2:]))

"""Commands in sessions of their own, of which no process outlives the call."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.link.deadline import Deadline
from harness.processes import session
from models import progress

OUTPUT_LIMIT_BYTES = 64 << 20  # a verbose compile answers a few megabytes
_POLL_S = 0.02


@dataclass(frozen=True)
class Finished:
    """The end of a command.

    Attributes:
        status: exit status, above 128 for a signal; None if killed.
        cut_off: why the command was killed, such as "did not end within 15 s"; "" if it ended.
    """

    status: int | None
    stdout: str
    stderr: str
    cut_off: str = ""


def run(command: Sequence[str], deadline: Deadline, environment: Mapping[str, str], folder: Path) -> Finished:
    """Run a command with stdin closed, and kill its whole session afterwards, however it ended.

    The session also ends at the deadline, after more than `OUTPUT_LIMIT_BYTES` of output, at an exception in
    the caller (KeyboardInterrupt) and with the caller's death.

    Raises:
        OSError: no process can be started.
    """
    progress.detail(shlex.join(command))
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-IS", session.__file__, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        try:
            cut_off = _wait(process.pid, deadline, (stdout, stderr))
        finally:
            session.kill_session(process.pid)  # not reaped yet: its number names this session and no other
            process.wait()
        return Finished(None if cut_off else process.returncode, _text(stdout), _text(stderr), cut_off)


def _wait(pid: int, deadline: Deadline, outputs: Sequence[IO[bytes]]) -> str:
    """Wait until a process has ended; return why it has to be cut off, or ""."""
    while not _has_ended(pid):
        if deadline.expired:
            return f"did not end within {deadline.seconds:.0f} s"
        if sum(os.fstat(output.fileno()).st_size for output in outputs) > OUTPUT_LIMIT_BYTES:
            return "wrote without end"
        time.sleep(_POLL_S)
    return ""


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")


def _has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it: its number must not be reused yet."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

"""Commands in process groups of their own, which never outlive the call."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.link.deadline import Deadline

OUTPUT_LIMIT_BYTES = 64 << 20  # a verbose compile answers a few megabytes
_POLL_S = 0.05  # how late it is noticed that the command ended and left its pipes to a child
_READ_BYTES = 1 << 16
_GUARD = 'trap "kill -KILL 0" TERM; "$@" & wait $!'
_LAST_BYTES_S = 1.0  # a killed group's pipes are empty at once; the rest belongs to a stranger


@dataclass(frozen=True)
class Finished:
    """The end of a command.

    Attributes:
        status: exit status, above 128 for a signal (negative without a guard); None if killed.
        cut_off: why the command was killed, such as "did not end within 15 s"; "" if it ended.
    """

    status: int | None
    stdout: str
    stderr: str
    cut_off: str = ""


def run(command: Sequence[str], deadline: Deadline, environment: Mapping[str, str], folder: Path) -> Finished:
    """Run a command with stdin closed, and kill its whole process group afterwards, however it ended.

    The group also ends at the deadline, after more than `OUTPUT_LIMIT_BYTES` of output, at an exception in
    the caller (KeyboardInterrupt) and with the caller's death.

    Raises:
        OSError: the command cannot be started.
    """
    process = subprocess.Popen(
        _guarded(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
    assert process.stdout and process.stderr
    streams: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    try:
        cut_off = _collect(process.pid, streams, deadline)
    finally:
        # The leader is not reaped yet, so its number still names this group and no other.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _collect(None, streams, Deadline(_LAST_BYTES_S))
        for stream in streams:
            stream.close()
    stdout, stderr = (bytes(text).decode(errors="replace") for text in streams.values())
    return Finished(None if cut_off else process.returncode, stdout, stderr, cut_off)


def _collect(pid: int | None, streams: Mapping[IO[bytes], bytearray], deadline: Deadline) -> str:
    """Read until all streams end or the process has ended; return why it was cut off, or ""."""
    with selectors.DefaultSelector() as selector:
        for stream, text in streams.items():
            selector.register(stream, selectors.EVENT_READ, text)
        while selector.get_map() or (pid and not _has_ended(pid)):
            if deadline.expired:
                return f"did not end within {deadline.seconds:.0f} s"
            for key, _ in selector.select(min(_POLL_S, deadline.remaining)):
                data = os.read(key.fd, _READ_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                key.data.extend(data)
            if sum(map(len, streams.values())) > OUTPUT_LIMIT_BYTES:
                return "wrote without end"
            if pid and _has_ended(pid):
                return ""
    return ""


def _has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it: its number must not be reused yet."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _guarded(command: Sequence[str]) -> list[str]:
    """Put a shell before the command that kills the group when the caller's thread ends.

    Without it, a program that arduino-cli started, such as bossac, would go on writing to the board of a
    killed caller, whose lock is free.
    """
    setpriv = shutil.which("setpriv")  # util-linux: on every Debian and Ubuntu
    guard = [setpriv, "--pdeathsig", "TERM", "--", "sh", "-c", _GUARD, "sh"] if setpriv else []
    return [*guard, *command]

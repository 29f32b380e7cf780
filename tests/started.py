"""Child processes: that end with a test, have its processor time, and are found if they are left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from harness.layout import ROOT
from harness.link.deadline import Deadline

Start = Callable[..., "subprocess.Popen[str]"]
T = TypeVar("T")


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Start]:
    """Start Python in a folder, with a store of its own in `home`; kill what still runs at the end."""
    running = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "EARSHOT_HOME": str(folder / "home"),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        }
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.communicate()


def wait_until(process: subprocess.Popen[str], find: Callable[[], T | None], timeout_s: float = 600.0) -> T:
    """Wait until `find` finds something while a process runs."""
    deadline = Deadline(timeout_s)
    while process.poll() is None and not deadline.expired:
        if found := find():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not found; the process wrote: {process.communicate()[0]}")


def wait_for_end(*pids: int, timeout_s: float = 60.0) -> None:
    """Wait until processes have ended; a zombie has."""
    deadline = Deadline(timeout_s)
    while running := [pid for pid in pids if _runs(pid)]:
        assert not deadline.expired, f"still there: {running}"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def dies_with_its_parent() -> list[str]:
    """Return a command prefix that has the kernel kill the command when its parent thread ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def prefer(pid: int) -> None:
    """Raise a process's priority, where that is allowed: tests beside it must not make gaps in its sound."""
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), -10)


def processes_with(word: str) -> dict[int, str]:
    """Return the command lines, by process id, of processes with a word in their environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile, or is another user's
            if word.encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command:  # a zombie has none
                    found[int(folder.name)] = command.strip()
    return found


def left_over(word: str, patience_s: float = 60.0) -> dict[int, str]:
    """Return the processes with a word that are still there after the time a killed process needs to end."""
    deadline = Deadline(patience_s)
    while (found := processes_with(word)) and not deadline.expired:
        time.sleep(0.02)
    return found

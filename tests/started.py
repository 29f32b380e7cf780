"""Child processes that end with a test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from harness.layout import ROOT
from harness.link.deadline import Deadline

Start = Callable[..., "subprocess.Popen[str]"]
T = TypeVar("T")


@contextmanager
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


def wait_until(process: subprocess.Popen[str], find: Callable[[], T | None], timeout_s: float = 120.0) -> T:
    """Wait until `find` finds something while a process runs."""
    deadline = Deadline(timeout_s)
    while process.poll() is None and not deadline.expired:
        if found := find():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not found; the process wrote: {process.communicate()[0]}")

"""Programs in processes of their own, which do not outlive a test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.layout import ROOT

Start = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def started(folder: Path) -> Iterator[Start]:
    """Starts Python in a folder, with a store of its own in `home`; what still runs in the end is killed."""
    running = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        environment = {**os.environ, "EARSHOT_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
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

"""A Dask scheduler and workers as on other machines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from free_port import free_port

ONE = ("--nthreads", "1")


def hiding(folder: Path) -> tuple[str, ...]:
    """Return the beginning of a command whose processes do not see a folder's files; skip if none can."""
    hidden = f"mount -t tmpfs none '{folder}' && exec \"$@\""
    prefix = ("unshare", "-m", "sh", "-c", hidden, "sh")
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("mounting needs root")
    return prefix


class Site:
    """A scheduler and workers as on other machines, each a process of its own.

    Args:
        folder: for their files.
    """

    def __init__(self, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start_scheduler(self) -> None:
        port = self.address.rpartition(":")[2]
        self._start("dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-show")

    def start_worker(
        self, *options: str, path: str | None = None, prefix: tuple[str, ...] = (), **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker with more environment variables; `path` is its PYTHONPATH."""
        command = ("dask_worker", self.address, "--no-nanny", *options)
        return self._start(*command, path=path, prefix=prefix, **variables)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()

    def _start(
        self,
        module: str,
        *options: str,
        path: str | None = None,
        prefix: tuple[str, ...] = (),
        **variables: str,
    ) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(sys.path) if path is None else path
        folder = {"PYTHONPATH": path, "DASK_TEMPORARY_DIRECTORY": str(self._folder)}
        environment = {**os.environ, **folder, **variables}
        with (self._folder / "site.log").open("ab") as log:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *options],
                cwd=self._folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

"""A site of labgrid on the loopback interface: its coordinator, and an exporter of the board's port."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from started import dies_with_its_parent, wait_until

from harness.link.deadline import Deadline

_START_S = 120.0


class LabgridSite:
    """A coordinator without places.

    Args:
        folder: for its state.

    Attributes:
        environment: of its users.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        folder.mkdir()
        self._address = "127.0.0.1:0"
        self.start_coordinator()
        self.environment = {"LG_COORDINATOR": self._address}

    def start_coordinator(self) -> None:
        """Start the coordinator, again at its address."""
        said = self._start("labgrid-coordinator", "-l", self._address, until="listening on ")
        self._address = said.partition("listening on ")[2].strip()

    def stop_coordinator(self, place: str) -> None:
        """End the coordinator of a site that exports nothing, as soon as it has saved a place."""
        process, saved = self._processes.pop(), self._folder / "places.yaml"
        wait_until(process, lambda: saved.exists() and f"{place}:" in saved.read_text())
        process.terminate()
        process.wait()

    def export(self, device: Path, *options: str) -> None:
        """Export a serial port, in the group `desk`."""
        # labgrid takes a path below /dev only, as those of real devices are.
        config = f"desk:\n  RawSerialPort:\n    port: /dev/..{device}\n"
        (self._folder / "exporter.yaml").write_text(config)
        names = ("-n", "rehearsal", "--hostname", "127.0.0.1", *options)
        self._start("labgrid-exporter", *names, str(self._folder / "exporter.yaml"), until="Exporter ready")

    def add_place(self, name: str, *matches: str) -> None:
        """Add a place with the resources that a pattern matches."""
        self.client("-p", name, "create")
        for match in matches:
            self.client("-p", name, "add-match", match)

    def client(self, *arguments: str, user: str = "") -> str:
        """Call labgrid-client, as another user if one is named, and return what it prints."""
        environment = os.environ | self.environment | ({"LG_USERNAME": user} if user else {})
        answer = subprocess.run(
            [program("labgrid-client"), *arguments], env=environment, capture_output=True, text=True
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def close(self) -> None:
        for process in reversed(self._processes):  # the exporter ends its ser2net
            process.terminate()
            process.wait()

    def _start(self, name: str, *arguments: str, until: str) -> str:
        """Start a server, and return the line in which it says that it is ready."""
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*dies_with_its_parent(), program(name), *arguments],
                env={**os.environ, **getattr(self, "environment", {}), "PYTHONUNBUFFERED": "1"},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._processes.append(process)
        deadline = Deadline(_START_S)
        while process.poll() is None and not deadline.expired:
            for line in log.read_text().splitlines():
                if until in line:
                    return line
        raise AssertionError(f"{name} is not ready: {log.read_text()}")


def program(name: str) -> str:
    """Return the path of a command of labgrid; skip the test without it."""
    found = shutil.which(name) or shutil.which(Path(sys.executable).with_name(name))
    if found is None:
        pytest.skip("no labgrid: make labgrid")
    return found


@contextlib.contextmanager
def labgrid_site(folder: Path) -> Iterator[LabgridSite]:
    """A site for the length of a test, or of several."""
    site = LabgridSite(folder)
    try:
        yield site
    finally:
        site.close()

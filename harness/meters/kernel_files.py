"""What the meters share that the Linux kernel shows as folders of files."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

from harness.bench_file import MeterTable
from harness.errors import MeterFailed
from harness.meters.meter import Meter


class KernelMeter(Meter):
    """A folder of files below `root`, one of which holds its name.

    Args:
        device: the name; "" takes the only folder that `fits` without one.
        root: for tests.
    """

    root: ClassVar[Path]
    remedy: ClassVar[str]

    def __init__(self, device: str = "", root: Path | None = None) -> None:
        self._device, self._root = device, root or self.root

    @classmethod
    def from_table(cls, table: MeterTable) -> Self:
        return cls(table.device)

    @abstractmethod
    def candidates(self) -> list[Path]:
        """Return the folders of all such devices."""

    def fits(self, folder: Path) -> bool:
        """Return whether a device is one to take without a name."""
        return True

    def describe(self) -> str:
        folder = self.find()
        return f"{name_of(folder)} in {folder}"

    def find(self) -> Path:
        """Return the folder of the device.

        Raises:
            MeterFailed: there is none, or more than one.
        """
        folders = self.candidates()
        found = [one for one in folders if (name_of(one) == self._device if self._device else self.fits(one))]
        if len(found) == 1:
            return found[0]
        names = ", ".join(map(name_of, folders)) or "none"
        raise MeterFailed(
            f"{len(found)} devices in {self._root} {'have that name' if self._device else 'fit'}",
            where=f"[meter] device {self._device!r}",
            remedy=f"Name one as `device` in the bench file; there: {names}.",
        )

    def number(self, file: Path) -> int:
        """Read the number in a file; raise MeterFailed without one."""
        try:
            return int(file.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise MeterFailed(
                f"the meter cannot be read: {error}", where=str(file), remedy=self.remedy
            ) from error


def name_of(folder: Path) -> str:
    """Return the name that the kernel gives a device."""
    return (folder / "name").read_text(encoding="utf-8").strip()


def poll(period_s: float, stopping: threading.Event) -> Iterator[float]:
    """Yield after each period its true length in seconds, until `stopping` is set.

    A late reading stands for a longer time.
    """
    last = time.monotonic()
    while not stopping.wait(max(0.0, last + period_s - time.monotonic())):
        now = time.monotonic()
        yield now - last
        last = now

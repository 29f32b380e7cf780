"""The energy counters of a computer's processor (RAPL), which the Linux kernel shows as powercap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from harness.bench_file import MeterTable
from harness.errors import MeterFailed
from harness.meters.meter import Meter
from harness.meters.polling import poll
from harness.meters.trace import SAMPLE

FOLDER = Path("/sys/class/powercap")
_PERIOD_S = 0.01  # the counter moves once in a millisecond


class Rapl(Meter):
    """The processor's own energy counter, in microjoules; it wraps around at `max_energy_range_uj`.

    Source: the kernel's Documentation/power/powercap/powercap.rst.

    Args:
        device: name of the zone, such as "package-0"; "" takes the only package.
    """

    name = "rapl"
    summary = "the processor's energy counters in /sys/class/powercap"

    def __init__(self, device: str = "", folder: Path = FOLDER) -> None:
        self._device, self._folder = device, folder

    @classmethod
    def from_table(cls, table: MeterTable) -> Self:
        return cls(table.device)

    def describe(self) -> str:
        zone = self._find()
        return f"{_name(zone)} in {zone}"

    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        zone = self._find()
        wraps_at = _read(zone / "max_energy_range_uj")
        last = _read(zone / "energy_uj")
        for seconds in poll(_PERIOD_S, stopping):
            now = _read(zone / "energy_uj")
            joules = (now - last if now >= last else now - last + wraps_at) / 1e6
            last = now
            yield np.array([(seconds, joules / seconds, np.nan, 0)], SAMPLE)

    def _find(self) -> Path:
        zones = [file.parent for file in sorted(self._folder.glob("*/energy_uj"))]
        found = [
            zone for zone in zones if _name(zone) == self._device or (not self._device and _is_package(zone))
        ]
        if len(found) == 1:
            return found[0]
        names = ", ".join(map(_name, zones)) or "none"
        raise MeterFailed(
            f"{len(found)} energy counters of {self._folder} fit",
            where="[meter]",
            remedy=f"Name one as `device` in the bench file; there: {names}.",
        )


def _is_package(zone: Path) -> bool:
    return _name(zone).startswith("package")


def _name(zone: Path) -> str:
    return (zone / "name").read_text(encoding="utf-8").strip()


def _read(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except PermissionError as error:
        raise MeterFailed(
            "only root may read the energy counter", where=str(file), remedy=f"Run `sudo chmod a+r {file}`."
        ) from error
    except (OSError, ValueError) as error:
        raise MeterFailed(f"the energy counter cannot be read: {error}", where=str(file)) from error

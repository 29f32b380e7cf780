"""INA226, INA219 and other power monitors that the Linux kernel's hwmon drives."""

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

FOLDER = Path("/sys/class/hwmon")
_PERIOD_S = 0.002  # an INA226 converts once in 1.1 ms; a read over I2C takes about as long


class Hwmon(Meter):
    """A power monitor on the board's I2C bus, as the kernel shows it: `in1_input` in mV, `curr1_input` in mA.

    Source of the units: the kernel's Documentation/hwmon/ina2xx.rst.

    Args:
        device: name of the sensor, such as "ina226"; "" takes the only one with a voltage and a current.
    """

    name = "hwmon"
    summary = "INA226, INA219 and other monitors in /sys/class/hwmon"

    def __init__(self, device: str = "", folder: Path = FOLDER) -> None:
        self._device, self._folder = device, folder

    @classmethod
    def from_table(cls, table: MeterTable) -> Self:
        return cls(table.device)

    def describe(self) -> str:
        sensor = self._find()
        return f"{_name(sensor)} in {sensor}"

    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        sensor = self._find()
        for seconds in poll(_PERIOD_S, stopping):
            volts = _read(sensor / "in1_input") / 1e3
            amperes = _read(sensor / "curr1_input") / 1e3
            yield np.array([(seconds, volts * amperes, amperes, 0)], SAMPLE)

    def _find(self) -> Path:
        sensors = [folder.parent for folder in sorted(self._folder.glob("*/curr1_input"))]
        found = [one for one in sensors if (one / "in1_input").exists() and self._device in ("", _name(one))]
        if len(found) == 1:
            return found[0]
        names = ", ".join(map(_name, sensors)) or "none"
        raise MeterFailed(
            f"{len(found)} sensors of {self._folder} are called {self._device!r}"
            if self._device
            else f"{len(found)} sensors of {self._folder} have a voltage and a current",
            where="[meter]",
            remedy=f"Name one as `device` in the bench file; there: {names}.",
        )


def _name(sensor: Path) -> str:
    return (sensor / "name").read_text(encoding="utf-8").strip()


def _read(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise MeterFailed(
            f"the sensor cannot be read: {error}", where=str(file), remedy="Check its wiring to the I2C bus."
        ) from error

"""INA226, INA219 and other power monitors that the Linux kernel's hwmon drives."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.errors import MeterFailed
from harness.meters.kernel_files import KernelMeter, name_of, poll
from harness.meters.trace import SAMPLE

_FULL_SCALE_V = {"ina219": 0.32, "ina220": 0.32, **dict.fromkeys(("ina226", "ina230", "ina231"), 0.08192)}
"""Largest voltage at the shunt, by the kernel's name of the chip. Sources: TI's datasheets; the kernel's
drivers/hwmon/ina2xx.c sets an INA219 to PGA=8."""
_SATURATED = 0.99  # of the full scale: the kernel rounds the calibration

_LONGEST_S = 1.0
"""Longest time between two readings: each is the value of a moment."""
_PERIOD_S = 0.002  # an INA226 converts once in 1.1 ms; a read over I2C takes about as long


class Hwmon(KernelMeter):
    """A power monitor on the board's I2C bus, as the kernel shows it: `in1_input` in mV, `curr1_input` in mA.

    A monitor whose chip and `shunt_resistor` (µΩ) the kernel names is not read beyond its full scale. Source
    of the units: the kernel's Documentation/hwmon/ina2xx.rst.
    """

    name = "hwmon"
    summary = "INA226, INA219 and other monitors in /sys/class/hwmon"
    root = Path("/sys/class/hwmon")
    remedy = "Check its wiring to the I2C bus."

    def candidates(self) -> list[Path]:
        sensors = [file.parent for file in sorted(self._root.glob("*/curr1_input"))]
        return [sensor for sensor in sensors if (sensor / "in1_input").exists()]

    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        sensor = self.find()
        most_a = self._most_amperes(sensor)
        for seconds in poll(_PERIOD_S, stopping):
            if seconds > _LONGEST_S:
                raise MeterFailed(
                    f"there was no reading for {seconds:.1f} s",
                    where=str(sensor),
                    remedy="End other work on this host, keep it from sleeping, and repeat the measurement.",
                )
            volts = self.number(sensor / "in1_input") / 1e3
            amperes = self.number(sensor / "curr1_input") / 1e3
            if abs(amperes) >= most_a:
                raise MeterFailed(
                    f"the current of {amperes:g} A is at the end of its range: the samples are too low",
                    where=str(sensor),
                    remedy="Give the monitor a smaller shunt, and tell the kernel: `shunt_resistor`, in µΩ.",
                )
            yield np.array([(seconds, volts * amperes, amperes, 0)], SAMPLE)

    def _most_amperes(self, sensor: Path) -> float:
        """Return the current at which the shunt's voltage is at its full scale; infinite if unknown."""
        shunt = sensor / "shunt_resistor"
        full_scale_v = _FULL_SCALE_V.get(name_of(sensor))
        if full_scale_v is None or not shunt.exists():
            return math.inf
        ohms = self.number(shunt) / 1e6
        return _SATURATED * full_scale_v / ohms if ohms > 0 else math.inf

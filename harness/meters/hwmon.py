"""INA226, INA219 and other power monitors that the Linux kernel's hwmon drives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.meters.kernel_files import KernelMeter, poll
from harness.meters.trace import SAMPLE

_PERIOD_S = 0.002  # an INA226 converts once in 1.1 ms; a read over I2C takes about as long


class Hwmon(KernelMeter):
    """A power monitor on the board's I2C bus, as the kernel shows it: `in1_input` in mV, `curr1_input` in mA.

    Source of the units: the kernel's Documentation/hwmon/ina2xx.rst.
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
        for seconds in poll(_PERIOD_S, stopping):
            volts = self.number(sensor / "in1_input") / 1e3
            amperes = self.number(sensor / "curr1_input") / 1e3
            yield np.array([(seconds, volts * amperes, amperes, 0)], SAMPLE)

"""The energy counters of a computer's processor (RAPL), which the Linux kernel shows as powercap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.errors import MeterFailed
from harness.meters.kernel_files import KernelMeter, name_of, poll
from harness.meters.trace import SAMPLE

_MOST_WATTS = 10_000.0  # no processor takes as much: the counter was set back
_PERIOD_S = 0.05  # the counter moves once in a millisecond: its steps and a late reading then matter little


class Rapl(KernelMeter):
    """The processor's own energy counter, in microjoules; it wraps around at `max_energy_range_uj`.

    Source: the kernel's Documentation/power/powercap/powercap.rst.
    """

    name = "rapl"
    summary = "the processor's energy counters in /sys/class/powercap"
    root = Path("/sys/class/powercap")
    remedy = "If only root may read it, run `sudo chmod a+r` on the file."

    def candidates(self) -> list[Path]:
        return [file.parent for file in sorted(self._root.glob("*/energy_uj"))]

    def fits(self, folder: Path) -> bool:
        return name_of(folder).startswith("package")

    def samples(self, stopping: threading.Event) -> Iterator[np.ndarray]:
        zone = self.find()
        wraps_at = self.number(zone / "max_energy_range_uj")
        last = self.number(zone / "energy_uj")
        for seconds in poll(_PERIOD_S, stopping):
            now = self.number(zone / "energy_uj")
            joules = (now - last if now >= last else now - last + wraps_at) / 1e6
            last = now
            if joules > _MOST_WATTS * seconds:
                raise MeterFailed(
                    "the energy counter was set back",
                    where=str(zone),
                    remedy="Keep this host from sleeping, and repeat the measurement.",
                )
            yield np.array([(seconds, joules / seconds, np.nan, 0)], SAMPLE)

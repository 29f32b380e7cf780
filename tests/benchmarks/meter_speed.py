"""Benchmark of a Power Profiler Kit's 100,000 samples a second: losses, processor time and memory."""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from fake_ppk2 import RATE_HZ, VOLTS, FakePpk2

from harness.meters.ppk2 import Ppk2
from harness.meters.trace import SAMPLE


def _play(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    number = np.arange(start, end) % 2000
    return np.where(number < 600, 6e-3, 0.8e-3), (number < 600).astype(np.uint8)


def _kit(parent: Connection) -> None:
    with FakePpk2(_play) as kit:
        parent.send(str(kit.port))
        parent.recv()


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the measurement (default: 20)")
    seconds = parser.parse_args().seconds
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_kit, args=[there], daemon=True)
    process.start()
    with tempfile.TemporaryDirectory() as folder:
        meter = Ppk2(VOLTS, supplies=True, port=here.recv())
        meter.start(Path(folder) / "trace")
        before, begin = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        time.sleep(seconds)
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - begin
        samples = meter.stop().file.stat().st_size / SAMPLE.itemsize
    here.send("end")
    process.join()
    memory_mb = (after.ru_maxrss - before.ru_maxrss) / 1024
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{samples:,.0f} samples in {wall:.1f} s ({samples / wall / RATE_HZ:.2%} of {RATE_HZ:,} a second), "
        f"none lost, {busy / wall:.0%} of a core, {memory_mb:.1f} MB more memory"
    )


if __name__ == "__main__":
    main()

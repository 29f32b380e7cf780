"""Benchmark of a Power Profiler Kit's 100,000 samples a second: losses, processor time, memory, and errors.

The kit plays the four stages of a board in turn, whose energy and length are known.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from fake_ppk2 import AMPERES, RATE_HZ, VOLTS, FakePpk2

from harness.meters.ppk2 import Ppk2
from harness.meters.trace import SAMPLE, Trace
from harness.stats.energy import STAGES, energy_of

PINS = np.array([0, 1, 3, 2], np.uint8)  # of the stages, in turn
LENGTHS = np.array([1300, 60, 560, 80])  # samples


def _play(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    number = np.arange(start, end) % LENGTHS.sum()
    pins = PINS[np.searchsorted(LENGTHS.cumsum(), number, side="right")]
    return np.array([AMPERES[value] for value in range(4)])[pins], pins


def _kit(parent: Connection) -> None:
    with FakePpk2(_play) as kit:
        parent.send(str(kit.port))
        parent.recv()


def _errors(trace: Trace) -> tuple[float, float, int]:
    """Return the largest errors of a stage's energy, a share, and length, s; and the number of stages."""
    energies, lengths, seen = [0.0], [0.0], 0
    for found in energy_of(trace.blocks(), (0, 1)).stages:
        stage = STAGES.index(found.stage)
        seconds = LENGTHS[stage] / RATE_HZ
        joules = AMPERES[int(PINS[stage])] * VOLTS * seconds
        energies += [abs(one / joules - 1) for one in (found.joules.minimum, found.joules.maximum)]
        lengths += [abs(one - seconds) for one in (found.seconds.minimum, found.seconds.maximum)]
        seen += found.joules.n
    return max(energies), max(lengths), seen


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
        trace = meter.stop()
        samples = trace.file.stat().st_size / SAMPLE.itemsize
        energy, length_s, seen = _errors(trace)
    here.send("end")
    process.join()
    memory_mb = (after.ru_maxrss - before.ru_maxrss) / 1024
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{samples:,.0f} samples in {wall:.1f} s ({100 * samples / wall / RATE_HZ:.2f} % of {RATE_HZ:,} "
        f"a second), none lost, {100 * busy / wall:.0f} % of a core, {memory_mb:.1f} MB more memory; "
        f"each of {seen:,} stages within {100 * energy:.3f} % of its energy and "
        f"{1e6 * length_s:.1f} µs of its length"
    )


if __name__ == "__main__":
    main()

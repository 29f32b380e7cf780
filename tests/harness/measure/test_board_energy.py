"""Bursts of inferences: the real sketch drives a kit, and its borders are not looked at."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_ppk2 import AMPERES, VOLTS, FakePpk2, PinPlay
from host_library import STORE
from matrix_product import write_matrix_product
from measured_models import small_model

from harness.boards.emulated import EmulatedBoard
from harness.boards.linux import Linux
from harness.boards.qemu.machine import CLOCK_HZ, PIN_CHANGE
from harness.boards.small_linux import runner
from harness.boards.small_linux.computer import Computer
from harness.boards.small_linux.runner import open_session
from harness.firmware.engine import get_engine
from harness.measure import energy
from harness.measure.block import BlockResult, BlockTarget, Network, image_sha256, measure_block
from harness.measure.energy import measure_bursts, measure_host
from harness.meters.ppk2 import Ppk2
from harness.meters.rapl import Rapl
from harness.report.energy import inference_table
from harness.stats.energy import BrokenTrace, Burst, burst_energy, estimate

IDLE, BUSY = AMPERES[0] * VOLTS, AMPERES[3] * VOLTS


def test_a_burst_takes_what_its_inferences_take(monkeypatch, tmp_path):
    monkeypatch.setattr(energy, "BURST_S", 0.2)
    monkeypatch.setattr(energy, "BURSTS", 2)
    log = tmp_path / "pins"
    model = small_model(tmp_path, hidden=64)
    with EmulatedBoard(STORE, pin_log=log) as board:
        board.upload(board.build(model, get_engine("codegen"), instrument="stages"))
        device = board.open(tmp_path / "transcript")
        with FakePpk2(PinPlay(log)) as kit:
            meter = Ppk2(VOLTS, supplies=True, port=str(kit.port))
            meter.start(tmp_path / "samples")
            bursts = measure_bursts(meter, lambda count: device.infer(count).lap_us * count / 1e6)
            trace = meter.stop()
    found = burst_energy(trace.blocks(), bursts, energy._AROUND_S)
    cycles = np.fromfile(log, PIN_CHANGE)["cycles"].astype(np.int64)
    a_burst_s = (cycles[3::4] - cycles[1::4])[1:] / CLOCK_HZ  # the first one tells the time of the others
    seconds = np.median(a_burst_s) / bursts[0].inferences
    assert found.joules.median == pytest.approx(BUSY * seconds, rel=0.005)
    assert found.net_joules.median == pytest.approx((BUSY - IDLE) * seconds, rel=0.005)
    assert found.idle_watts == pytest.approx(IDLE, rel=0.005)
    assert found.inferences == 2 * bursts[0].inferences


def test_the_datasheets_energy_is_that_of_the_modeled_time():
    found = estimate({"preprocess": [1000.0, 3000.0], "inference": [5000.0, 5000.0]}, seconds=0.1)
    busy, sleep = 3.3e-3 * 3, 3.16e-6 * 3
    assert found.joules == pytest.approx(0.014 * busy + 0.086 * sleep)
    assert [stage.per_inference_joules for stage in found.stages] == pytest.approx([2e-3 * busy, 5e-3 * busy])


def blocks(watts, rate_hz=1000):
    from harness.meters.trace import samples_of

    return [samples_of(1 / rate_hz, part, part) for part in np.array_split(np.asarray(watts, float), 7)]


def a_burst(seconds=1.0):
    """A second of idle, a burst of 10 inferences, and another second."""
    return [0.01] * 1000 + [0.05] * round(seconds * 1000) + [0.01] * 1000


@pytest.mark.parametrize("shift_s", [-0.1, 0.0, 0.1])
def test_a_mark_may_lag(shift_s):
    burst = Burst(0.5 + shift_s, 2.5 + shift_s, 1.0, 10)
    found = burst_energy(blocks(a_burst()), [burst], 0.6)
    assert found.joules.median == pytest.approx(0.05 / 10)
    assert found.net_joules.median == pytest.approx(0.04 / 10)


def test_idle_power_that_drifts_is_taken_around_each_burst():
    watts = np.array(a_burst() + a_burst()) + np.linspace(0, 0.002, 6000)
    found = burst_energy(blocks(watts), [Burst(0.5, 2.5, 1.0, 10), Burst(3.5, 5.5, 1.0, 10)], 0.6)
    assert found.net_joules.minimum == pytest.approx(found.net_joules.maximum, rel=1e-3)
    assert found.net_joules.median == pytest.approx(0.04 / 10, rel=1e-3)


def test_a_meter_that_sees_no_burst_has_no_figures():
    with pytest.raises(BrokenTrace, match="stays at the idle 10 mW"):
        burst_energy(blocks([0.01] * 3000), [Burst(0.5, 2.5, 1.0, 10)], 0.6)


def test_a_trace_that_ends_too_early_has_no_figures():
    with pytest.raises(BrokenTrace, match="ends before the last burst"):
        burst_energy(blocks(a_burst()[:2400]), [Burst(0.5, 2.5, 1.0, 10)], 0.6)


def test_a_computer_that_does_not_tell_its_work_has_no_peak():
    found = burst_energy(blocks(a_burst()), [Burst(0.5, 2.5, 1.0, 10)], 0.6)
    untold = replace(found, peak_watts=None)
    assert "There is no peak: the computer does not tell" in inference_table(untold).note
    assert "no peak" not in inference_table(found).note


class Counter:
    """The energy counter of a processor that takes 5 W, and 15 W while a model runs.

    Args:
        root: folder of a powercap.
    """

    def __init__(self, root: Path) -> None:
        self._zone = root / "intel-rapl:0"
        self._zone.mkdir()
        (self._zone / "name").write_text("package-0\n")
        (self._zone / "max_energy_range_uj").write_text("262143328850\n")
        self._begin, self._busy_s, self._running_since = time.monotonic(), 0.0, 0.0
        self._ended = threading.Event()
        self._count()
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()

    def watch(self, session):
        """Return a session of ONNX Runtime whose runs take energy."""
        return SimpleNamespace(get_inputs=session.get_inputs, run=partial(self._run, session))

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self, session, *arguments):
        self._running_since = begin = time.monotonic()
        answer = session.run(*arguments)
        self._running_since, self._busy_s = 0.0, self._busy_s + time.monotonic() - begin
        return answer

    def _go_on(self) -> None:
        while not self._ended.wait(0.001):
            self._count()

    def _count(self) -> None:
        now, since = time.monotonic(), self._running_since
        joules = 5 * (now - self._begin) + 10 * (self._busy_s + (now - since if since else 0.0))
        (self._zone / "new").write_text(f"{round(joules * 1e6)}\n")
        (self._zone / "new").replace(self._zone / "energy_uj")


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Return the meter of a processor whose ONNX models take energy."""
    monkeypatch.setattr(energy, "BURST_S", 0.5)
    monkeypatch.setattr(energy, "BURSTS", 2)
    (tmp_path / "powercap").mkdir()
    counter = Counter(tmp_path / "powercap")
    monkeypatch.setattr(
        energy, "open_session", lambda path, threads: counter.watch(open_session(path, threads))
    )
    monkeypatch.setattr(energy, "processor_seconds", lambda: (time.monotonic(), 0.0, 0.0))
    yield Rapl(root=tmp_path / "powercap")
    counter.close()


WEIGHTS = np.ones((1500, 1500), np.float32)


def test_rapl_counts_the_energy_of_an_onnx_model(counted, tmp_path):
    model = write_matrix_product(tmp_path / "model.onnx", WEIGHTS)
    found = measure_host(model, WEIGHTS[:1], counted, tmp_path / "samples")
    assert found.joules.median == pytest.approx(15 * found.seconds.median, rel=0.05)
    assert found.net_joules.median == pytest.approx(10 * found.seconds.median, rel=0.05)
    assert found.idle_watts == pytest.approx(5, rel=0.02)
    assert found.peak_watts > 10 and not found.why_no_peak
    assert "used 0.00 cores meanwhile, the peak" in inference_table(found).note


def test_other_work_leaves_no_peak(counted, tmp_path, monkeypatch):
    """A real process works beside the bursts, and the kernel counts its time."""
    monkeypatch.setattr(energy, "processor_seconds", runner.processor_seconds)
    model = write_matrix_product(tmp_path / "model.onnx", WEIGHTS)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        found = measure_host(model, WEIGHTS[:1], counted, tmp_path / "samples")
        busy.kill()
    assert found.peak_watts is None and found.other_cores > 0.1
    assert "other processes used" in found.why_no_peak
    table = inference_table(found)
    assert "so there is no peak" in table.note and "–" in table.aligned()


def test_a_night_of_this_host_has_the_energy_of_an_inference(counted, tmp_path):
    model = write_matrix_product(tmp_path / "model.onnx", WEIGHTS)
    target = BlockTarget("some", Network(model), image_sha256(model), WEIGHTS[:1])
    result = BlockResult()
    measure_block(Linux(Computer()), target, result, tmp_path / "block.log", 20, meter=counted)
    assert len(result.samples_us["inference_us/clip"]) == 20
    energies = result.samples_nj["inference_nj/clip"]
    assert len(energies) == 2
    assert min(energies) > 15_000 * min(result.samples_us["inference_us/clip"])  # 15 W
    assert not (tmp_path / "block.samples").exists()

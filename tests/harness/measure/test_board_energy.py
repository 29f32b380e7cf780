"""Bursts of inferences: the real sketch drives a kit, and its borders are not looked at."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
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
from harness.boards.small_linux.computer import Computer
from harness.boards.small_linux.runner import open_session
from harness.firmware.engine import get_engine
from harness.measure import energy
from harness.measure.block import BlockResult, BlockTarget, Network, image_sha256, measure_block
from harness.measure.energy import measure_bursts, measure_host
from harness.meters import rapl
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

    Its clock stands still but for 1 ms of each inference and for what a measurement sleeps.

    Args:
        root: folder of a powercap.
    """

    def __init__(self, root: Path) -> None:
        self._zone = root / "intel-rapl:0"
        self._zone.mkdir()
        (self._zone / "name").write_text("package-0\n")
        (self._zone / "max_energy_range_uj").write_text("262143328850\n")
        self._now_ms = self._read_ms = self._joules = 0
        self._readings: queue.Queue[float] = queue.Queue()
        self._has_reader = False
        self._pass_ms(1, watts=5)

    @property
    def now_s(self) -> float:
        return self._now_ms / 1000

    def sleep(self, seconds: float) -> None:
        self._pass_ms(round(seconds * 1000), watts=5)

    def watch(self, session):
        """Return a session of ONNX Runtime whose runs take time and energy."""
        return SimpleNamespace(get_inputs=session.get_inputs, run=partial(self._run, session))

    def poll(self, period_s: float, stopping: threading.Event) -> Iterator[float]:
        """Have the meter read after each period of this clock, which waits for it."""
        self.sleep(period_s)  # the first reading is that of the meter's start
        self._period_s, self._read_ms, self._has_reader = period_s, self._now_ms, True
        yield period_s
        while not stopping.is_set():
            with contextlib.suppress(queue.Empty):
                yield self._readings.get(timeout=0.01)
                self._readings.task_done()
        self._has_reader = False

    def _run(self, session, *arguments):
        answer = session.run(*arguments)
        self._pass_ms(1, watts=15)
        return answer

    def _pass_ms(self, milliseconds: int, watts: float) -> None:
        for _ in range(milliseconds):
            self._now_ms += 1
            self._joules += watts / 1000
            if self._has_reader and self._now_ms - self._read_ms < self._period_s * 1000:
                continue
            (self._zone / "energy_uj").write_text(f"{round(self._joules * 1e6)}\n")
            if self._has_reader:
                self._read_ms = self._now_ms
                self._readings.put(self._period_s)
                self._readings.join()


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
    now_s = lambda: counter.now_s  # noqa: E731
    clock = SimpleNamespace(sleep=counter.sleep, perf_counter=now_s, monotonic=now_s)
    monkeypatch.setattr(energy, "time", clock)
    monkeypatch.setattr(rapl, "poll", counter.poll)
    monkeypatch.setattr(energy, "processor_seconds", lambda: (counter.now_s, 0.0, 0.0))
    return Rapl(root=tmp_path / "powercap")


def test_a_host_that_was_held_up_rests_again_before_a_mark(monkeypatch):
    now_s, late_s = [0.0], iter([2.0, 0.0])

    def sleep(seconds: float) -> None:
        now_s[0] += seconds + next(late_s)

    monkeypatch.setattr(energy, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now_s[0]))
    energy._rest()
    assert now_s[0] == pytest.approx(energy._IDLE_S + 2)


WEIGHTS = np.ones((1500, 1500), np.float32)


def test_rapl_counts_the_energy_of_an_onnx_model(counted, tmp_path):
    model = write_matrix_product(tmp_path / "model.onnx", WEIGHTS)
    found = measure_host(model, WEIGHTS[:1], counted, tmp_path / "samples")
    assert found.joules.median == pytest.approx(0.015)
    assert found.net_joules.median == pytest.approx(0.010)
    assert found.idle_watts == pytest.approx(5)
    assert found.peak_watts == pytest.approx(15) and not found.why_no_peak
    assert "used 0.00 cores meanwhile, the peak" in inference_table(found).note


def test_other_work_leaves_no_peak(counted, tmp_path, monkeypatch):
    told = iter([(100.0, 50.0, 7.0), (110.0, 60.0, 12.0)])
    monkeypatch.setattr(energy, "processor_seconds", lambda: next(told))
    model = write_matrix_product(tmp_path / "model.onnx", WEIGHTS)
    found = measure_host(model, WEIGHTS[:1], counted, tmp_path / "samples")
    assert found.peak_watts is None and found.other_cores == pytest.approx(0.5)
    assert "other processes used" in found.why_no_peak
    table = inference_table(found)
    assert "so there is no peak" in table.note and "–" in table.aligned()


def test_a_night_of_this_host_has_the_energy_of_an_inference(counted, tmp_path):
    model = write_matrix_product(tmp_path / "model.onnx", WEIGHTS)
    target = BlockTarget("some", Network(model), image_sha256(model), WEIGHTS[:1])
    result = BlockResult()
    measure_block(Linux(Computer()), target, result, tmp_path / "block.log", 20, meter=counted)
    assert len(result.samples_us["inference_us/clip"]) == 20
    assert result.samples_nj["inference_nj/clip"] == pytest.approx([15e6, 15e6])
    assert not (tmp_path / "block.samples").exists()

"""The Joulescope JS220, with the real driver on our side and a meter of software behind its libusb."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from fake_js220 import SERIAL_NUMBER, TICK_HZ, FakeJs220, Play, unplug_all
from long_traces import record_for

from harness.errors import MeterFailed
from harness.meters import joulescope
from harness.meters.joulescope import Joulescope
from harness.stats.energy import energy_of

needs_driver = pytest.mark.skipif(
    find_spec("pyjoulescope_driver") is None, reason="pyjoulescope_driver is not installed"
)

VOLTS = 3.3
CURRENTS = np.array([0.8e-3, 3.4e-3, 6.1e-3, 4.0e-3])  # amperes of idle, preprocess, inference, postprocess
LENGTHS = [26_007, 6_013, 56_011, 8_003]  # ticks; borders are within samples of the trace
PINS = np.array([0, 1, 3, 2], np.uint8)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Have no meter be silent for too long, however slow this machine is."""
    monkeypatch.setattr(joulescope, "_LONGEST_SILENCE_S", 60.0)


def stages(ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play the four stages in turn, 48 ms each round, while the voltage falls with the current."""
    stage = np.searchsorted(np.cumsum(LENGTHS), ticks % sum(LENGTHS), side="right")
    return CURRENTS[stage], VOLTS - 10 * CURRENTS[stage], PINS[stage]


def at(amperes: float, volts: float = VOLTS) -> Play:
    def play(ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.full(len(ticks), amperes), np.full(len(ticks), volts), np.zeros(len(ticks), np.uint8)

    return play


def after(count: int, amperes: float) -> Play:
    """Play a current for one tick in ten thousand after so many ticks, else 1 mA."""

    def play(ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        current, volts, bits = at(1e-3)(ticks)
        return np.where((ticks > count) & (ticks % 10_000 < 2), amperes, current), volts, bits

    return play


def record(file, seconds: float, serial_number: str = ""):
    return record_for(Joulescope(serial_number), file, seconds)


@needs_driver
def test_energy_of_each_stage_is_within_half_a_percent(tmp_path):
    with FakeJs220(stages):
        trace = record(tmp_path / "trace", 0.5)
    found = energy_of(trace.blocks(), (0, 1))
    watts = CURRENTS * (VOLTS - 10 * CURRENTS)
    assert [one.stage for one in found.stages] == ["preprocess", "inference", "postprocess"]
    for one, power, length in zip(found.stages, watts[1:], LENGTHS[1:], strict=True):
        assert one.joules.median == pytest.approx(power * length / TICK_HZ, rel=0.005)
        assert one.seconds.median == pytest.approx(length / TICK_HZ, abs=20e-6)
    assert found.idle_watts == pytest.approx(watts[0], rel=0.005)


@needs_driver
def test_power_is_the_mean_of_products(tmp_path):
    """Current and voltage that alternate within a sample: the product of their means is twice as high."""

    def alternate(ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        odd = ticks // 2 % 2
        return odd * 1e-3, 5.0 - odd * 4, np.zeros(len(ticks), np.uint8)

    with FakeJs220(alternate):
        trace = record(tmp_path / "trace", 0.2)
    assert energy_of(trace.blocks(), None).mean_watts == pytest.approx(0.5e-3, rel=1e-5)


@needs_driver
@pytest.mark.parametrize("number", range(4))
def test_every_input_is_a_bit(tmp_path, number):
    def play(ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        amperes, volts, _ = at(1e-3)(ticks)
        return amperes, volts, (ticks // 1000 % 2 << number).astype(np.uint8)

    with FakeJs220(play):
        trace = record(tmp_path / "trace", 0.1)
    logic = np.concatenate([block["logic"] for block in trace.blocks()])
    assert set(logic) == {0, 1 << number}
    edges = np.flatnonzero(np.diff(logic))
    assert set(np.diff(edges)) == {50}  # 1000 ticks


@needs_driver
def test_ranges_follow_the_signals_and_streaming_ends(tmp_path):
    with FakeJs220(at(1e-3)) as meter:
        record(tmp_path / "trace", 0.1)
    assert (meter.published["s/i/range/mode"], meter.published["s/v/range/mode"]) == ("auto", "auto")
    assert meter.published["s/i/ctrl"] == meter.published["s/gpi/3/ctrl"] == 0


@needs_driver
@pytest.mark.parametrize(
    ("meter", "what"),
    [
        ({"play": stages, "lost": [20]}, "samples were lost: 10.08 ms of the current"),
        ({"play": after(400_000, 10.3)}, "its largest range, 10 A, is saturated.*short circuit"),
        ({"play": at(1e-3, volts=15.1)}, "its largest range, 15 V, is saturated"),
        ({"play": after(400_000, np.nan)}, "values are missing"),
        ({"play": stages, "unplug_at": 20}, "unplugged while it measured"),
        ({"play": stages, "may_open": False}, "jsdrv_open failed.*udev"),
        (
            {"play": stages, "is_js110": True},
            "0 JS220 are connected.*js110/002122.*does not report lost samples",
        ),
    ],
)
def test_a_broken_trace_has_no_figures(tmp_path, meter, what):
    with FakeJs220(**meter), pytest.raises(MeterFailed, match=what):
        record(tmp_path / "trace", 0.5)


@needs_driver
def test_an_input_without_samples_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(joulescope, "_LONGEST_SILENCE_S", 2.0)
    with (
        FakeJs220(stages, silent=["s/gpi/1"]),
        pytest.raises(MeterFailed, match="it sends no samples of input 1"),
    ):
        record(tmp_path / "trace", 0.5)


@needs_driver
def test_a_meter_is_taken_by_its_serial_number(tmp_path):
    with FakeJs220(stages):
        assert Joulescope(SERIAL_NUMBER).describe() == f"Joulescope JS220 {SERIAL_NUMBER}"
        with pytest.raises(MeterFailed, match=f"0 JS220 have that serial number.*js220/{SERIAL_NUMBER}"):
            Joulescope(SERIAL_NUMBER[2:]).describe()


@needs_driver
def test_a_missing_meter_is_told(tmp_path):
    unplug_all()
    with pytest.raises(MeterFailed, match=r"0 JS220 are connected.*Connected: none"):
        Joulescope().start(tmp_path / "trace")


def test_a_missing_driver_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjoulescope_driver", None)
    with pytest.raises(MeterFailed, match=r"its driver is not installed.*pip install pyjoulescope_driver"):
        Joulescope().describe()

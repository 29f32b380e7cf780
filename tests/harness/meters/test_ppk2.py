"""The Power Profiler Kit II, with the real driver on our side and a kit of software on the other."""

from __future__ import annotations

import numpy as np
import pytest
from fake_ppk2 import RATE_HZ, VOLTS, FakePpk2
from long_traces import record_for

from harness.errors import MeterFailed
from harness.meters.ppk2 import Ppk2
from harness.stats.energy import energy_of

CURRENTS = np.array([0.8e-3, 3.4e-3, 6.1e-3, 4.0e-3])  # amperes of idle, preprocess, inference, postprocess
LENGTHS = [1300, 60, 560, 80]  # samples
PINS = np.array([0, 1, 3, 2], np.uint8)


def stages(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Play the four stages in turn, 20 ms each round; range switches are among them."""
    stage = np.searchsorted(np.cumsum(LENGTHS), np.arange(start, end) % sum(LENGTHS), side="right")
    return CURRENTS[stage], PINS[stage]


def at(amperes: float):
    return lambda start, end: (np.full(end - start, amperes), np.zeros(end - start, np.uint8))


def record(kit: FakePpk2, file, seconds: float):
    return record_for(Ppk2(VOLTS, supplies=True, port=str(kit.port)), file, seconds)


def test_energy_of_each_stage_is_within_half_a_percent(tmp_path):
    with FakePpk2(stages) as kit:
        trace = record(kit, tmp_path / "trace", 1.0)
    found = energy_of(trace.blocks(), (0, 1))
    assert [one.stage for one in found.stages] == ["preprocess", "inference", "postprocess"]
    for one, amperes, length in zip(found.stages, CURRENTS[1:], LENGTHS[1:], strict=True):
        assert one.joules.median == pytest.approx(VOLTS * amperes * length / RATE_HZ, rel=0.005)
        assert one.seconds.median == pytest.approx(length / RATE_HZ, abs=20e-6)
    assert found.idle_watts == pytest.approx(VOLTS * CURRENTS[0], rel=0.005)
    mean_a = float(CURRENTS @ LENGTHS) / sum(LENGTHS)
    assert found.mean_watts == pytest.approx(VOLTS * mean_a, rel=0.02)  # the rounds at the ends are cut


@pytest.mark.parametrize("amperes", [20e-6, 300e-6, 2e-3, 30e-3, 0.4])
def test_every_range_is_calibrated(tmp_path, amperes):
    with FakePpk2(at(amperes)) as kit:
        trace = record(kit, tmp_path / "trace", 0.2)
    assert energy_of(trace.blocks(), None).mean_watts == pytest.approx(VOLTS * amperes, rel=0.005)


def test_it_supplies_the_voltage_that_was_asked_for(tmp_path):
    with FakePpk2(at(1e-3)) as kit:
        record(kit, tmp_path / "trace", 0.1)
    assert bytes([0x0D, 3300 >> 8, 3300 & 255]) in kit.commands
    assert bytes([0x11, 2]) in kit.commands


def test_a_spike_at_a_range_switch_counts_for_nothing(tmp_path):
    def spiky(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        number = np.arange(start, end) % 1000
        return np.select([number < 500, number < 502], [1e-3, 60e-3], 4e-3), np.zeros(len(number), np.uint8)

    with FakePpk2(spiky) as kit:
        trace = record(kit, tmp_path / "trace", 0.5)
    assert energy_of(trace.blocks(), None).peak_watts < VOLTS * 5e-3


def pulses(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Play 30 mA for 20 of 100 samples, else 20 µA."""
    return np.where(np.arange(start, end) % 100 < 20, 30e-3, 20e-6), np.zeros(end - start, np.uint8)


def test_samples_at_full_scale_before_a_switch_take_the_value_after_it(tmp_path):
    """At 20 µA the ADC holds at most 0.7 mA: these samples would take a tenth of the energy."""
    with FakePpk2(pulses, lag=2) as kit:
        trace = record(kit, tmp_path / "trace", 0.5)
    watts = np.concatenate([block["watts"] for block in trace.blocks()])
    whole = watts[: len(watts) // 100 * 100]
    assert whole.mean() == pytest.approx(VOLTS * (0.2 * 30e-3 + 0.8 * 20e-6), rel=0.005)


@pytest.mark.parametrize(
    ("kit", "what"),
    [
        ({"play": stages, "drop": range(20_000, 20_007)}, "samples were lost after 0.200 s, 7"),
        ({"play": at(1.5)}, "exceeds 1 A.*short circuit"),
        ({"play": pulses, "lag": 10}, "its range 1 of 5 is saturated.*short circuit"),
        ({"play": stages, "calibrated": False}, "no calibration"),
        ({"play": stages, "unplug_at": 30_000}, "unplugged while it measured"),
    ],
)
def test_a_broken_trace_has_no_figures(tmp_path, kit, what):
    with FakePpk2(**kit) as fake, pytest.raises(MeterFailed, match=what):
        record(fake, tmp_path / "trace", 1.0)


def test_a_missing_kit_is_named(tmp_path):
    with pytest.raises(MeterFailed, match="no PPK2 devices found"):
        Ppk2(VOLTS, supplies=False).start(tmp_path / "trace")

"""Meters that the kernel shows as files; the tests write such folders."""

from __future__ import annotations

import time
from itertools import islice
from types import SimpleNamespace

import pytest

from harness.errors import MeterFailed
from harness.meters import hwmon, kernel_files, rapl
from harness.meters.hwmon import Hwmon
from harness.meters.rapl import Rapl
from harness.stats.energy import energy_of


@pytest.fixture
def sensors(tmp_path):
    for number, (name, files) in enumerate(
        {
            "ina226": {"in1_input": "3300", "curr1_input": "12"},
            "ina219": {"in1_input": "5000", "curr1_input": "100"},
            "cpu_thermal": {"temp1_input": "40000"},
        }.items()
    ):
        folder = tmp_path / f"hwmon{number}"
        folder.mkdir()
        for file, text in {"name": name, **files}.items():
            (folder / file).write_text(f"{text}\n")
    return tmp_path


@pytest.fixture(autouse=True)
def punctual(monkeypatch):
    """Have no reading come late, however slow this machine is."""

    def poll(period_s, stopping):
        while not stopping.wait(period_s):
            yield period_s

    for meter in (hwmon, rapl):
        monkeypatch.setattr(meter, "poll", poll)


def record(meter, file):
    meter.start(file)
    return meter.stop()


def run_until_it_breaks(meter) -> None:
    """Let a trace go on until its failure is raised."""
    while True:
        meter.mark()
        time.sleep(0.01)


def test_a_monitor_of_hwmon_measures_millivolts_times_milliamperes(sensors, tmp_path):
    trace = record(Hwmon("ina226", sensors), tmp_path / "trace")
    assert energy_of(trace.blocks(), None).mean_watts == pytest.approx(3.3 * 0.012)
    assert not trace.has_logic


def test_several_sensors_need_a_name(sensors, tmp_path):
    with pytest.raises(MeterFailed, match=r"2 devices in .* fit.*there: ina226, ina219"):
        Hwmon(root=sensors).start(tmp_path / "trace")


def test_a_sensor_that_vanishes_ends_the_trace(sensors, tmp_path):
    meter = Hwmon("ina226", sensors)
    meter.start(tmp_path / "trace")
    (sensors / "hwmon0" / "curr1_input").unlink()
    with pytest.raises(MeterFailed, match="cannot be read"):
        run_until_it_breaks(meter)


@pytest.mark.parametrize(
    ("chip", "shunt_uohm", "most_ma"),
    [("ina226", 100_000, 819), ("ina226", 10_000, 8_191), ("ina219", 100_000, 3_200)],
)
def test_a_monitor_at_the_end_of_its_range_ends_the_trace(sensors, tmp_path, chip, shunt_uohm, most_ma):
    """A full scale of 81.92 mV (INA226) and 320 mV (INA219) at the shunt."""
    folder = next(path.parent for path in sensors.glob("*/name") if path.read_text().strip() == chip)
    (folder / "shunt_resistor").write_text(f"{shunt_uohm}\n")
    current = folder / "curr1_input"
    current.write_text(f"{round(0.98 * most_ma)}\n")
    meter = Hwmon(chip, sensors)
    meter.start(tmp_path / "trace")
    (folder / "new").write_text(f"-{most_ma}\n")
    (folder / "new").replace(current)
    what = f"-{most_ma / 1000:g} A is at the end of its range.*smaller shunt"
    with pytest.raises(MeterFailed, match=what):
        run_until_it_breaks(meter)


def test_a_late_reading_stands_for_a_longer_time(monkeypatch):
    now_s, late_s = [100.0], iter([0.0, 0.3, 0.0])

    def wait(seconds: float) -> bool:
        now_s[0] += seconds + next(late_s)
        return False

    monkeypatch.setattr(kernel_files, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    lengths_s = [*islice(kernel_files.poll(0.05, SimpleNamespace(wait=wait)), 3)]
    assert lengths_s == pytest.approx([0.05, 0.35, 0.05])


def test_an_energy_counter_that_wraps_counts_on(tmp_path, monkeypatch):
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    counted, most = 262_143_000_000, 262_143_328_850
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text(f"{most}\n")
    (zone / "energy_uj").write_text(f"{counted}\n")

    def consume(period_s, _):  # 5 W
        for number in range(1, 21):
            now = counted + round(5e6 * number * period_s)
            (zone / "energy_uj").write_text(f"{now % most}\n")
            yield period_s

    monkeypatch.setattr(rapl, "poll", consume)
    trace = record(Rapl(root=tmp_path), tmp_path / "trace")
    assert int((zone / "energy_uj").read_text()) < counted, "it has wrapped around"
    assert energy_of(trace.blocks(), None).mean_watts == pytest.approx(5)


def test_a_counter_that_is_set_back_ends_the_trace(tmp_path):
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    for name, text in {
        "name": "package-0",
        "max_energy_range_uj": "262143328850",
        "energy_uj": "9000",
    }.items():
        (zone / name).write_text(text)
    meter = Rapl(root=tmp_path)
    meter.start(tmp_path / "trace")
    (zone / "new").write_text("17")
    (zone / "new").replace(zone / "energy_uj")
    with pytest.raises(MeterFailed, match="the energy counter was set back"):
        run_until_it_breaks(meter)


def test_a_monitor_without_readings_for_a_while_ends_the_trace(sensors, tmp_path, monkeypatch):
    """As of a host that slept."""
    monkeypatch.setattr(hwmon, "poll", lambda *_: iter([0.002, 1.5]))
    meter = Hwmon("ina226", sensors)
    with pytest.raises(MeterFailed, match=r"no reading for 1\.5 s"):
        record(meter, tmp_path / "trace")


def test_a_computer_without_counters_is_told(tmp_path):
    with pytest.raises(MeterFailed, match=r"0 devices in .* fit.*there: none"):
        Rapl(root=tmp_path).start(tmp_path / "trace")

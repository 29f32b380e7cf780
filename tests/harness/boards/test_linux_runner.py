"""State of a small Linux computer, read from folders of files as kernels have them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.boards.small_linux import runner


@pytest.fixture
def computer(tmp_path):
    """A function that writes files below a root and returns the root."""

    def write(**files: str):
        for path, text in files.items():
            file = tmp_path / FILES[path]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        return tmp_path

    return write


CPU = "sys/devices/system/cpu"
FILES = {
    "slow_mhz": f"{CPU}/cpu0/cpufreq/scaling_cur_freq",
    "fast_mhz": f"{CPU}/cpu1/cpufreq/scaling_cur_freq",
    "highest": f"{CPU}/cpu1/cpufreq/cpuinfo_max_freq",
    "governor": f"{CPU}/cpu0/cpufreq/scaling_governor",
    "count": f"{CPU}/cpu0/thermal_throttle/core_throttle_count",
    "board_type": "sys/class/thermal/thermal_zone0/type",
    "board_temp": "sys/class/thermal/thermal_zone0/temp",
    "cpu_type": "sys/class/thermal/thermal_zone1/type",
    "cpu_temp": "sys/class/thermal/thermal_zone1/temp",
    "cooling_type": "sys/class/thermal/cooling_device0/type",
    "cooling_state": "sys/class/thermal/cooling_device0/cur_state",
    "bits": "sys/devices/platform/soc/soc:firmware/get_throttled",
    "cpuinfo": "proc/cpuinfo",
    "stat": "proc/stat",
    "meminfo": "proc/meminfo",
    "model": "proc/device-tree/model",
    "status": "proc/self/status",
    "id": "etc/machine-id",
}


@pytest.fixture(autouse=True)
def no_vcgencmd(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_frequency_is_that_of_the_fastest_core(computer):
    root = computer(slow_mhz="600000", fast_mhz="1500000", governor="ondemand")
    assert (runner.frequency_mhz(root), runner.governor(root)) == (1500.0, "ondemand")


def test_frequency_without_cpufreq_is_that_of_cpuinfo(computer):
    assert runner.frequency_mhz(computer(cpuinfo="cpu MHz\t\t: 2400.5\ncpu MHz\t\t: 800.0")) == 2400.5


def test_temperature_is_that_of_the_processor(computer):
    root = computer(board_type="battery", board_temp="80000", cpu_type="cpu-thermal", cpu_temp="48312")
    assert runner.temperature_c(root) == 48.312


def test_computer_that_tells_nothing_has_no_figures(computer):
    root = computer()
    told = (runner.frequency_mhz(root), runner.temperature_c(root), runner.governor(root))
    assert told == (None, None, None)
    assert runner.throttling(runner.limits(root), runner.limits(root)) is None


def test_description_of_a_raspberry_pi(computer):
    root = computer(
        model="Raspberry Pi 4 Model B Rev 1.4\0", highest="1500000", meminfo="MemTotal: 3884044 kB", id="0f1e"
    )
    found = runner.describe(root)
    assert (found["title"], found["id"]) == ("Raspberry Pi 4 Model B Rev 1.4", "0f1e")
    assert (found["clock_hz"], found["ram_bytes"]) == (1_500_000_000, 3884044 * 1024)


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (0x0, 0x0, []),
        (0x50000, 0x50000, []),  # since the machine started, but not meanwhile
        (0x0, 0x80008, ["temperature limit"]),
        (0x4, 0x40000, ["throttled"]),  # at the beginning only
        (0x10000, 0x50000, ["throttled"]),  # meanwhile, and over at the end
        (0x1, 0x50005, ["under-voltage", "throttled"]),
    ],
)
def test_throttling_by_the_bits_of_a_raspberry_pi(before, after, reasons):
    assert runner.throttling({"raspberry": before}, {"raspberry": after}) == reasons


def test_bits_of_a_raspberry_pi_come_from_vcgencmd_or_from_its_file(computer, tmp_path):
    assert runner.limits(computer(bits="50005")) == {"raspberry": 0x50005}
    (tmp_path / FILES["bits"]).unlink()
    tool = tmp_path / "vcgencmd"
    tool.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x80008\n')
    tool.chmod(0o755)
    assert runner.limits(tmp_path) == {"raspberry": 0x80008}


def test_throttling_by_the_counters_of_x86(computer):
    before = runner.limits(computer(count="7"))
    assert runner.throttling(before, runner.limits(computer(count="7"))) == []
    after = runner.limits(computer(count="9"))
    assert runner.throttling(before, after) == ["cpu0 core_throttle_count rose by 2"]


def test_throttling_by_an_active_cooling_device(computer):
    idle = runner.limits(computer(cooling_type="cpufreq-cpu0", cooling_state="0"))
    active = runner.limits(computer(cooling_type="cpufreq-cpu0", cooling_state="2"))
    assert runner.throttling(idle, idle) == []
    assert runner.throttling(idle, active) == ["cooling_device0 cpufreq-cpu0 is active"]


def test_fan_is_no_limit(computer):
    fan = runner.limits(computer(cooling_type="pwm-fan", cooling_state="3"))
    assert fan == {}


def test_memory_is_unknown_where_the_peak_cannot_be_reset(computer):
    root = computer(status="VmHWM:\t  1000 kB\nVmRSS:\t  900 kB")
    (root / "proc/self/clear_refs").mkdir()  # nobody can write into it
    assert runner.Memory(root).peaks() == (1000 * 1024, None)
    assert runner.Memory(root / "nowhere").peaks() == (None, None)


def test_runner_needs_nothing_of_earshot():
    """It is copied alone: isolated from this environment, it describes the computer."""
    command = [sys.executable, "-I", "-S", runner.__file__, "--describe"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=True)
    assert json.loads(done.stdout)["cores"] >= 1


def test_work_of_other_processes_is_counted_without_idle_time(computer, monkeypatch):
    """The machine's ticks of 10 ms rise by 20 s in 10 s, 5 s of which are this process's."""
    monkeypatch.setattr(runner.os, "sysconf", lambda _: 100)
    _, first_s, _ = runner.processor_seconds(computer(stat="cpu  1000 20 300 99999 40 5 6 7 0 0"))
    _, last_s, _ = runner.processor_seconds(computer(stat="cpu  2500 40 700 999999 90 45 46 97 0 0"))
    assert last_s - first_s == pytest.approx(20.0)
    assert runner.other_cores((0.0, first_s, 1.0), (10.0, last_s, 6.0)) == pytest.approx(1.5)
    assert runner.other_cores(None, (10.0, last_s, 6.0)) is None
    assert runner.processor_seconds(computer(stat="nothing")) is None

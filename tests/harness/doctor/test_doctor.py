"""The doctor: each missing thing is one finding with its remedy."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import replace

import pytest
from cli_answers import LIB_LIST
from stand_in_cli import SERIAL_NUMBER, StandInCli, usb_port

from harness.bench_file import Bench, BoardEntry, SpeakerEntry
from harness.doctor import as_text, examine
from harness.doctor.bench import examine_arduino, examine_ports, examine_sound, port_holders
from harness.doctor.host import examine_host

PIN = "Chirale_TensorFlowLite@2.0.0"
DESK = BoardEntry(
    "desk", kind="nano33ble", serial_number=SERIAL_NUMBER, core="arduino:mbed_nano@4.6.0", libraries=(PIN,)
)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """An arduino-cli with the pinned core and library, and the board attached."""
    cli = StandInCli(tmp_path / "bin")
    cli.lists([usb_port("/dev/ttyACM0")])
    cli.steps("lib list", {"stdout": LIB_LIST})
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(cli.command))
    return cli


@pytest.fixture
def no_arduino_cli(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(tmp_path / "nowhere"))


def found(findings, name):
    return next(finding for finding in findings if name in finding.name)


def test_a_complete_bench_is_ready(stand_in):
    desk = replace(DESK, serial_number=SERIAL_NUMBER.lower())
    findings = examine_arduino([desk], required=True)
    assert [finding.present for finding in findings] == [True] * 4
    assert "1.5.1" in findings[0].detail


@pytest.mark.parametrize("program", ["no program\0", "#!/bin/sh\n"])
def test_tools_that_do_not_run_are_findings(tmp_path, monkeypatch, program):
    for name in ("arm-none-eabi-g++", "qemu-system-arm", "gcc", "espeak-ng"):
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = [finding.name for finding in examine_host() if finding.required and not finding.present]
    assert missing == ["arm-none-eabi-g++", "qemu-system-arm", "gcc", "espeak-ng", "Cycle model"]


@pytest.mark.emulated
def test_a_cache_that_cannot_be_written_is_a_finding(monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", "/proc/.cache/earshot")
    (found,) = (one for one in examine_host() if one.name == "Cycle model")
    assert found.detail == "the cache /proc/.cache/earshot cannot be written: No such file or directory"
    assert "EARSHOT_HOME" in found.remedy


def test_missing_pins_and_boards_are_findings_with_a_remedy(stand_in):
    stand_in.has_core("4.1.0")
    stand_in.steps("lib list", {"stdout": {}})
    findings = examine_arduino([replace(DESK, serial_number="XYZ")], required=True)
    core, library, board = (found(findings, name) for name in ("Core", "Library", "Board desk"))
    assert not (core.present or library.present or board.present)
    assert "4.1.0" in core.detail and core.remedy.endswith("arduino-cli core install arduino:mbed_nano@4.6.0")
    assert library.remedy == f'arduino-cli lib install "{PIN}"'
    assert f"{SERIAL_NUMBER} at /dev/ttyACM0" in board.detail and board.remedy


def test_without_arduino_cli_nothing_else_is_asked(no_arduino_cli):
    (only,) = examine_arduino([DESK], required=True)
    assert not only.present and only.required and only.remedy


def test_a_bench_decides_what_is_required(no_arduino_cli):
    tool = found(examine(Bench()), "arduino-cli")
    assert not tool.present and not tool.required
    bench = Bench(boards=(DESK,))
    assert "Not ready" in as_text(examine(bench), bench)


def test_the_holder_of_a_port_is_named():
    ours, theirs = pty.openpty()
    port = os.ttyname(theirs)
    assert port_holders(port) == [], "this process does not count"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"f = open({port!r}); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert [text for text in port_holders(port) if f"({holder.pid})" in text]
    finally:
        holder.communicate(b"\n")
        os.close(ours)
        os.close(theirs)


def test_modem_manager_is_reported_with_the_rule_that_stops_it(tmp_path):
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "comm").write_text("ModemManager\n")
    manager = found(examine_ports(required=True, processes=tmp_path), "ModemManager")
    assert not manager.present and "ID_MM_DEVICE_IGNORE" in manager.remedy


def test_only_a_named_speaker_is_required():
    wrong = found(examine_sound(SpeakerEntry(device="no such speaker"), required=True), "Speaker")
    assert not wrong.present and wrong.required and wrong.remedy
    none = found(examine_sound(None, required=True), "Speaker")
    assert not none.present and not none.required

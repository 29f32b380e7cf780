"""The doctor on a bench: each thing that can be missing is one finding with its remedy."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.bench_file import Bench, BoardEntry, SpeakerEntry
from harness.doctor import as_text, examine
from harness.doctor.arduino import examine_arduino
from harness.doctor.ports import examine_ports, port_holders
from harness.doctor.sound import examine_sound

DESK = BoardEntry(
    name="desk",
    kind="nano33ble",
    serial_number="ABC",
    core="arduino:mbed_nano@4.6.0",
    libraries=("Chirale_TensorFlowLite@2.0.0",),
)
ANSWERS = {
    "version": {"Application": "arduino-cli", "VersionString": "1.3.1"},
    "core": {"platforms": [{"id": "arduino:mbed_nano", "installed_version": "4.6.0"}]},
    "lib": {"installed_libraries": [{"library": {"name": "Chirale_TensorFlowLite", "version": "2.0.0"}}]},
    "board": {
        "detected_ports": [
            {"port": {"address": "/dev/ttyACM0", "protocol": "serial", "properties": {"serialNumber": "ABC"}}}
        ]
    },
}


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """An arduino-cli that gives these answers; a test changes them before it asks."""
    given = json.loads(json.dumps(ANSWERS))
    command = tmp_path / "arduino-cli"

    def install() -> None:
        (tmp_path / "answers.json").write_text(json.dumps(given))
        command.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"answers = json.load(open({str(tmp_path / 'answers.json')!r}))\n"
            "print(json.dumps(next(answers[word] for word in sys.argv if word in answers)))\n"
        )
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(command))

    given_and_install = (given, install)
    return given_and_install


def found(findings, name):
    return next(finding for finding in findings if name in finding.name)


def test_a_bench_that_has_everything_is_ready(answers):
    _, install = answers
    install()
    findings = examine_arduino([DESK], required=True)
    assert [finding.present for finding in findings] == [True] * 4
    assert "1.3.1" in findings[0].detail


def test_a_core_of_another_version_is_told_with_the_command_that_installs_the_right_one(answers):
    given, install = answers
    given["core"]["platforms"][0]["installed_version"] = "4.1.0"
    install()
    core = found(examine_arduino([DESK], required=True), "Core")
    assert not core.present
    assert "4.1.0" in core.detail and core.remedy == "arduino-cli core install arduino:mbed_nano@4.6.0"


def test_a_library_that_is_not_installed_is_told(answers):
    given, install = answers
    given["lib"] = {}
    install()
    library = found(examine_arduino([DESK], required=True), "Library")
    assert not library.present
    assert library.remedy == 'arduino-cli lib install "Chirale_TensorFlowLite@2.0.0"'


def test_a_board_that_is_not_attached_is_told_with_what_is(answers):
    given, install = answers
    given["board"]["detected_ports"][0]["port"]["properties"]["serialNumber"] = "XYZ"
    install()
    board = found(examine_arduino([DESK], required=True), "Board desk")
    assert not board.present and "XYZ at /dev/ttyACM0" in board.detail and board.remedy


def test_without_arduino_cli_that_is_the_one_finding(monkeypatch, tmp_path):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(tmp_path / "nowhere"))
    (only,) = examine_arduino([DESK], required=True)
    assert not only.present and only.required and only.remedy


def test_without_a_bench_nothing_of_it_is_required(monkeypatch, tmp_path):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(tmp_path / "nowhere"))
    missing = [finding for finding in examine(Bench()) if not finding.present]
    assert "arduino-cli" in [finding.name for finding in missing]
    assert not [finding for finding in missing if finding.required]


def test_a_bench_whose_board_is_missing_is_not_ready(monkeypatch, tmp_path):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(tmp_path / "nowhere"))
    assert "Not ready" in as_text(examine(Bench(boards=(DESK,))), "the desk")


def test_the_holder_of_a_port_is_named():
    ours, theirs = pty.openpty()
    port = os.ttyname(theirs)
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


def test_a_port_that_nobody_has_open_has_no_holder(tmp_path):
    assert port_holders(str(tmp_path / "ttyACM0")) == []


def test_modem_manager_is_told_with_the_rule_that_stops_it(tmp_path: Path):
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "comm").write_text("ModemManager\n")
    manager = found(examine_ports(required=True, processes=tmp_path), "ModemManager")
    assert not manager.present and "ID_MM_DEVICE_IGNORE" in manager.remedy


def test_a_speaker_that_no_device_matches_is_told_with_the_devices_there_are():
    speaker = found(examine_sound(SpeakerEntry(device="no such speaker"), required=True), "Speaker")
    assert not speaker.present and speaker.required and speaker.remedy


def test_a_bench_without_a_speaker_is_no_failure():
    speaker = found(examine_sound(None, required=True), "Speaker")
    assert not speaker.present and not speaker.required

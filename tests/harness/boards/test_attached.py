"""Attached boards, the default choice among them, and bench file entries for them."""

from __future__ import annotations

import pytest
from stand_in_cli import CORE_VERSION, SERIAL_NUMBER, StandInCli, usb_port

from harness import cli
from harness.arduino_cli.cli import COMMAND_VARIABLE
from harness.bench_file import VARIABLE, Bench, BoardEntry, read_bench
from harness.boards.attached import Attached, attached, only_hardware, ready_entry
from harness.errors import BoardNotFound, UsageError
from models.errors import ConfigError

DESK = BoardEntry("desk", kind="nano33ble", serial_number=SERIAL_NUMBER)


@pytest.fixture
def host(tmp_path, monkeypatch):
    """This host as arduino-cli sees it."""
    stand_in = StandInCli(tmp_path / "bin")
    monkeypatch.setenv(COMMAND_VARIABLE, str(stand_in.command))
    return stand_in


def test_an_attached_board_has_its_kind_and_its_entrys_name(host):
    host.lists([usb_port("/dev/ttyACM3")])
    expected = Attached("nano33ble", "desk", SERIAL_NUMBER, "/dev/ttyACM3")
    assert attached(Bench(boards=(DESK,))) == [expected]
    assert [board.name for board in attached()] == [""]


def test_the_only_hardware_of_the_bench_file_is_chosen(host):
    bench = Bench(boards=(BoardEntry("soft", kind="emulated"), DESK))
    assert only_hardware(bench) == DESK


def test_the_only_attached_board_is_chosen_without_an_entry(host):
    host.lists([usb_port("/dev/ttyACM3")])
    entry = only_hardware(Bench())
    assert (entry.kind, entry.serial_number, entry.port) == ("nano33ble", SERIAL_NUMBER, "")


def test_a_given_port_is_that_of_the_only_kind():
    assert only_hardware(Bench(), "/dev/ttyUSB7").port == "/dev/ttyUSB7"


def test_no_board_is_reported(host):
    with pytest.raises(BoardNotFound, match="there is no board to test"):
        only_hardware(Bench())


def test_several_attached_boards_are_refused(host):
    host.lists([usb_port("/dev/a", "01"), usb_port("/dev/b", "02")])
    with pytest.raises(UsageError, match=r"01 at /dev/a.*02 at /dev/b"):
        only_hardware(Bench())


def test_several_entries_are_refused():
    with pytest.raises(UsageError, match="desk, shelf"):
        only_hardware(Bench(boards=(DESK, BoardEntry("shelf", kind="nano33ble", serial_number="2"))))


def test_an_entry_of_an_unknown_kind_is_refused(tmp_path):
    file = tmp_path / "bench.toml"
    file.write_text('[board.desk]\nkind = "nano33bl"')
    with pytest.raises(ConfigError, match=r"line 2, board\.desk\.kind"):
        only_hardware(read_bench(file))


@pytest.mark.parametrize("number", [SERIAL_NUMBER, ""])
def test_a_ready_entry_can_be_read(tmp_path, number):
    file = tmp_path / "bench.toml"
    file.write_text(ready_entry(Attached("nano33ble", "", number, "/dev/a"), "desk", "a:b@1.0"))
    port = "" if number else "/dev/a"
    assert read_bench(file).boards == (
        BoardEntry("desk", kind="nano33ble", serial_number=number, core="a:b@1.0", port=port),
    )


def listed(capsys) -> str:
    assert cli.main(["boards"]) == 0
    return capsys.readouterr().out


def test_the_command_lists_kinds_entries_and_attached_boards(host, tmp_path, monkeypatch, capsys):
    file = tmp_path / "bench.toml"
    file.write_text(f'[board.left]\nkind = "nano33ble"\nserial_number = "{SERIAL_NUMBER}"')
    monkeypatch.setenv(VARIABLE, str(file))
    host.lists([usb_port("/dev/ttyACM3")])
    shown = listed(capsys)
    assert shown.startswith("emulated ") and "\nnano33ble " in shown
    assert f"\nleft         nano33ble, {SERIAL_NUMBER}" in shown.partition("On the bench")[2]
    assert f"\nleft         nano33ble, {SERIAL_NUMBER}, /dev/ttyACM3" in shown.partition("Attached:")[2]
    assert "Ready for" not in shown


def test_the_command_prints_an_entry_for_each_new_board(host, tmp_path, monkeypatch, capsys):
    file = tmp_path / "bench.toml"
    file.write_text('[board.desk]\nkind = "emulated"')
    monkeypatch.setenv(VARIABLE, str(file))
    host.lists([usb_port("/dev/a", "01"), usb_port("/dev/b", "02")])
    entries = [part.partition("\n\n")[2] for part in listed(capsys).split("Ready for the bench file:")[1:]]
    file.write_text("\n".join(entries))
    boards = read_bench(file).boards
    assert [(board.name, board.serial_number) for board in boards] == [("desk-2", "01"), ("desk-3", "02")]
    assert boards[0].core == f"arduino:mbed_nano@{CORE_VERSION}"


def test_the_command_reports_a_missing_arduino_cli(monkeypatch, capsys):
    monkeypatch.setenv(COMMAND_VARIABLE, "/nowhere/arduino-cli")
    assert "\nunknown: arduino-cli " in listed(capsys)

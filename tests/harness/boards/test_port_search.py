"""The search for a board's port, and the messages if none or several match."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serial.tools.list_ports_common import ListPortInfo
from stand_in_cli import StandInCli, usb_port

from harness.arduino_cli.answers import DetectedPort, MatchingBoard
from harness.arduino_cli.cli import ArduinoCli
from harness.boards import port_search
from harness.boards.attached import attached
from harness.boards.port_search import Sought, all_ports, find_port, usb_ports, wait_for_port
from harness.errors import BoardNotFound, NothingListed
from harness.link.deadline import Deadline

RUNNING, BOOTLOADER = (0x2341, 0x805A), (0x2341, 0x005A)
FQBN = "arduino:mbed_nano:nano33ble"
ANY = Sought("Nano", FQBN, (RUNNING, BOOTLOADER), (BOOTLOADER,))
A = DetectedPort("/dev/ttyACM0", "serial", "AAAA1111", *RUNNING)
B = DetectedPort("/dev/ttyACM1", "serial", "BBBB2222", *RUNNING)
UNO = DetectedPort("/dev/ttyACM2", "serial", "CCCC3333", 0x2341, 0x0043, (MatchingBoard("Uno", "a:avr:uno"),))
ON_BOARD = DetectedPort("/dev/ttyS0", "serial")
DFU = B._replace(address="1-3", protocol="dfu")


@given(st.permutations([A, B, UNO, ON_BOARD, DFU]), st.sampled_from([A, B]), st.booleans())
def test_a_serial_number_decides_in_any_order_and_case(ports, wanted, lower):
    number = wanted.serial_number.lower() if lower else wanted.serial_number
    assert find_port(replace(ANY, serial_number=number), ports) == wanted


def test_without_a_serial_number_the_only_board_of_the_kind_is_found():
    assert find_port(ANY, [DFU, ON_BOARD, UNO, B]) == B


def test_an_installed_cores_match_is_enough():
    other = A._replace(pid=0x1234, boards=(MatchingBoard("Nano", FQBN),))
    assert find_port(ANY, [UNO, other]) == other


def test_two_matching_boards_are_both_named_at_once():
    with pytest.raises(BoardNotFound, match=r"AAAA1111.*BBBB2222.*serial number") as caught:
        wait_for_port(ANY, Bus([A, B, UNO]), Deadline(3600))
    assert "UNO" not in str(caught.value) and "CCCC3333" not in str(caught.value)


def test_a_named_port_need_not_be_listed(tmp_path):
    path = tmp_path / "port"
    assert find_port(replace(ANY, port=str(path)), [A]) is None, "not there yet"
    path.touch()
    assert find_port(replace(ANY, port=str(path)), [A, B]) == DetectedPort(str(path))


def test_a_symlink_to_a_port_is_resolved(tmp_path):
    device, link = tmp_path / "ttyACM7", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    behind = B._replace(address=str(device))
    assert find_port(replace(ANY, port=str(link)), [A, behind]) == behind


def test_a_named_port_of_another_board_is_refused(tmp_path):
    (tmp_path / "port").touch()
    taken = B._replace(address=str(tmp_path / "port"))
    with pytest.raises(BoardNotFound, match=r"another board.*BBBB2222.*wanted is AAAA1111"):
        find_port(replace(ANY, port=taken.address, serial_number="AAAA1111"), [A, taken])


class Bus:
    """The attached ports, list by list; the last list stays."""

    def __init__(self, *looks):
        self.looks = list(looks)

    def __call__(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_a_restarting_board_is_found_at_its_new_port():
    back = A._replace(address="/dev/ttyACM3")
    sought = replace(ANY, serial_number="AAAA1111")
    assert wait_for_port(sought, Bus([B], [B], [B, back]), Deadline(30)) == back


def test_an_empty_list_with_a_reason_is_awaited_like_a_restart(tmp_path):
    def nothing():
        raise NothingListed("arduino-cli lists no serial port: permission denied")

    looks = iter([nothing, lambda: [A]])
    assert wait_for_port(KNOWN, lambda: next(looks)(), Deadline(30)) == A
    with pytest.raises(NothingListed, match="permission denied"):
        wait_for_port(ANY, nothing, Deadline(0))
    (tmp_path / "port").touch()
    assert wait_for_port(replace(ANY, port=str(tmp_path / "port")), nothing, Deadline(0))


def test_a_bootloader_takes_uploads_but_runs_no_sketch():
    bootloader = A._replace(pid=BOOTLOADER[1])
    assert wait_for_port(ANY, Bus([bootloader]), Deadline(0)) == bootloader
    assert wait_for_port(ANY, Bus([bootloader], [A]), Deadline(30), runs_sketch=True) == A
    with pytest.raises(BoardNotFound, match=r"stays in its bootloader.*reset button once"):
        wait_for_port(ANY, Bus([bootloader]), Deadline(0), runs_sketch=True)


KNOWN = replace(ANY, serial_number="AAAA1111")


@pytest.mark.parametrize(
    ("sought", "ports", "message", "remedy"),
    [
        (ANY, [], "no Nano is attached (attached: no board)", "Check that the cable"),
        (ANY, [ON_BOARD, UNO], "no Nano is attached (attached: Uno on /dev/ttyACM2", "Check that the cable"),
        (KNOWN, [UNO], "serial number AAAA1111 is attached", "Check that the cable"),
        (KNOWN, [B], "(attached: USB 2341:805a", "correct its serial number"),
        (
            KNOWN,
            [B._replace(pid=BOOTLOADER[1])],
            "2341:005a in its bootloader on /dev/ttyACM1",
            "press its reset button once",
        ),
        (replace(ANY, port="/dev/nothing"), [A], "/dev/nothing does not exist", "Give the port that"),
    ],
)
def test_a_missing_board_is_reported_with_the_attached_ones(sought, ports, message, remedy):
    with pytest.raises(BoardNotFound) as caught:
        wait_for_port(sought, Bus(ports), Deadline(0))
    assert message in str(caught.value) and remedy in caught.value.remedy


# What pyserial lists, and what arduino-cli leaves out


def on_usb(address: str, location: str, number: str | None = None, pid: int = RUNNING[1]) -> ListPortInfo:
    """Return a port as pyserial lists it."""
    info = ListPortInfo(address)
    info.vid, info.pid, info.serial_number, info.location = RUNNING[0], pid, number, location
    return info


@pytest.fixture
def plug(monkeypatch):
    """Return a function that sets the ports that pyserial lists."""
    return lambda *ports: monkeypatch.setattr(port_search, "comports", lambda: list(ports))


def never():
    raise AssertionError("arduino-cli was called")


def test_a_board_on_usb_is_found_without_arduino_cli(plug):
    plug(ListPortInfo("/dev/ttyS0"), on_usb("/dev/a", "1-1:1.0", "AAAA1111"), on_usb("/dev/b", "1-2", "FFFF"))
    board = DetectedPort("/dev/a", "serial", "AAAA1111", *RUNNING, location="1-1")
    assert usb_ports()[0] == board
    assert wait_for_port(KNOWN, never, Deadline(0)) == board


def test_a_device_that_vanishes_while_pyserial_reads_about_it_hides_no_other(monkeypatch):
    looks = iter([TypeError("int() can't convert non-string"), [on_usb("/dev/a", "1-1")]])

    def comports():
        look = next(looks)
        if isinstance(look, Exception):
            raise look
        return look

    monkeypatch.setattr(port_search, "comports", comports)
    assert [port.address for port in usb_ports()] == ["/dev/a"]


def test_two_boards_without_serial_numbers_are_told_apart_by_their_sockets(plug):
    plug(on_usb("/dev/a", "1-1"), on_usb("/dev/b", "1-2"))
    with pytest.raises(BoardNotFound, match="2 boards"):
        wait_for_port(ANY, never, Deadline(0))
    sought = replace(ANY, location="1-2")
    assert wait_for_port(sought, never, Deadline(0)).address == "/dev/b"
    plug(on_usb("/dev/c", "1-1"))
    assert find_port(sought, usb_ports()) is None, "the other board is not taken in its place"


CLONE = 0x1234  # a product id that only an installed core knows
DROPPED = 13 / 60  # of the ports of a call of arduino-cli 1.5 at a load of 9


def test_no_look_misses_a_board_that_arduino_cli_leaves_out_at_random(plug):
    plug(*(on_usb(f"/dev/{name}", name, pid=CLONE) for name in "abc"))
    chance = random.Random(1)
    listed = [DetectedPort(f"/dev/{name}", "serial", "", RUNNING[0], CLONE) for name in "abcx"]
    listed[:2] = [port._replace(boards=(MatchingBoard("Nano", FQBN),)) for port in listed[:2]]
    listed[3] = A._replace(address="/dev/x")

    def list_ports():
        ports = [port for port in listed if chance.random() >= DROPPED]
        chance.shuffle(ports)
        return ports

    for _ in range(200):
        ports = all_ports(list_ports, lambda ports: False)
        assert {port.address for port in ports if port.boards} == {"/dev/a", "/dev/b"}
        assert wait_for_port(KNOWN, list_ports, Deadline(3600)).address == "/dev/x"
        assert wait_for_port(replace(ANY, location="b"), list_ports, Deadline(0)).address == "/dev/b"
        with pytest.raises(BoardNotFound, match="2 boards"):
            wait_for_port(replace(ANY, usb_ids=()), list_ports, Deadline(0))


@pytest.fixture
def load():
    """Two busy loops for each processor."""
    count = 2 * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    yield
    for loop in loops:
        loop.kill()
        loop.wait()


@pytest.mark.slow
@pytest.mark.usefixtures("load")
def test_looks_under_load_find_every_board_at_its_port(plug, tmp_path, monkeypatch):
    stand_in = StandInCli(tmp_path)
    clone, real = (usb_port(f"/dev/{name}", number) for name, number in (("a", ""), ("x", "AAAA1111")))
    clone["port"]["properties"]["pid"] = hex(CLONE)
    code = (
        "import random\n"
        f"chance = random.Random(len(open(path).readlines()))\n"
        f"ports = [port for port in {[clone, real]!r} if chance.random() >= {DROPPED}]\n"
        "chance.shuffle(ports)\n"
        "print(json.dumps({'detected_ports': ports}))\n"
    )
    stand_in.steps("board list", {"code": code})
    cli = ArduinoCli(str(stand_in.command))
    plug(on_usb("/dev/a", "1-1", pid=CLONE), on_usb("/dev/b", "1-2", "BBBB2222"))
    for _ in range(3):
        assert {board.port for board in attached(cli=cli)} >= {"/dev/a", "/dev/b"}
        assert wait_for_port(KNOWN, cli.detected_ports, Deadline(60)).address == "/dev/x"

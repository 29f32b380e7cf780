"""Which of the attached ports is that of the board, and what is said when none or several could be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.arduino_cli.answers import DetectedPort, MatchingBoard
from harness.boards.port_search import Sought, find_port, wait_for_port
from harness.errors import BoardNotFound
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
def test_a_serial_number_decides_whatever_the_order_and_the_case(ports, wanted, lower):
    number = wanted.serial_number.lower() if lower else wanted.serial_number
    assert find_port(replace(ANY, serial_number=number), ports) == wanted


def test_without_a_serial_number_it_is_the_only_one_of_its_kind():
    assert find_port(ANY, [DFU, ON_BOARD, UNO, B]) == B


def test_a_usb_identity_that_only_the_installed_core_knows_will_do():
    other = A._replace(pid=0x1234, boards=(MatchingBoard("Nano", FQBN),))
    assert find_port(ANY, [UNO, other]) == other


@pytest.mark.parametrize("ports", [[], [ON_BOARD, UNO]], ids=["nothing", "another kind"])
def test_a_board_that_is_not_there_is_not_found(ports):
    assert find_port(ANY, ports) is None


def test_two_boards_to_choose_from_are_both_named():
    with pytest.raises(BoardNotFound, match=r"AAAA1111.*BBBB2222.*serial number") as caught:
        find_port(ANY, [A, B, UNO])
    assert "UNO" not in str(caught.value) and "CCCC3333" not in str(caught.value)


def test_a_port_that_only_the_user_knows_is_taken(tmp_path):
    path = tmp_path / "port"
    assert find_port(replace(ANY, port=str(path)), [A]) is None, "not there yet"
    path.touch()
    assert find_port(replace(ANY, port=str(path)), [A, B]) == DetectedPort(str(path))


@pytest.mark.parametrize("url", ["socket://bench:4000", "rfc2217://bench:4000"])
def test_a_port_on_the_network_is_taken(url):
    assert find_port(replace(ANY, port=url, serial_number="X"), [A, B]) == DetectedPort(
        url, serial_number="X"
    )


def test_a_link_to_a_port_leads_to_the_board_behind_it(tmp_path):
    device, link = tmp_path / "ttyACM7", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    behind = B._replace(address=str(device))
    assert find_port(replace(ANY, port=str(link)), [A, behind]) == behind


def test_a_named_port_of_another_board_is_refused(tmp_path):
    (tmp_path / "port").touch()
    taken = B._replace(address=str(tmp_path / "port"))
    with pytest.raises(BoardNotFound, match=r"another board.*BBBB2222.*sought is AAAA1111"):
        find_port(replace(ANY, port=taken.address, serial_number="AAAA1111"), [A, taken])


class Bus:
    """What is attached, look by look; the last look stays."""

    def __init__(self, *looks):
        self.looks = list(looks)

    def __call__(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_a_board_that_restarts_is_waited_for_under_its_new_name():
    back = A._replace(address="/dev/ttyACM3")
    sought = replace(ANY, serial_number="AAAA1111")
    assert wait_for_port(sought, Bus([B], [B], [B, back]), Deadline(30)) == back


def test_a_bootloader_will_do_to_upload_and_not_to_run():
    bootloader = A._replace(pid=BOOTLOADER[1])
    assert wait_for_port(ANY, Bus([bootloader]), Deadline(0)) == bootloader
    assert wait_for_port(ANY, Bus([bootloader], [A]), Deadline(30), runs_sketch=True) == A
    with pytest.raises(BoardNotFound, match=r"stays in its bootloader.*reset button once"):
        wait_for_port(ANY, Bus([bootloader]), Deadline(0), runs_sketch=True)


@pytest.mark.parametrize(
    ("sought", "ports", "said", "remedy"),
    [
        (ANY, [], "no Nano is attached (attached: no board at all)", "Check the cable"),
        (ANY, [ON_BOARD, UNO], "no Nano is attached (attached: Uno on /dev/ttyACM2", "Check the cable"),
        (
            replace(ANY, serial_number="AAAA1111"),
            [UNO],
            "serial number AAAA1111 is attached",
            "Check the cable",
        ),
        (
            replace(ANY, serial_number="AAAA1111"),
            [B],
            "(attached: USB 2341:805a",
            "correct its serial number",
        ),
        (
            replace(ANY, serial_number="AAAA1111"),
            [B._replace(pid=BOOTLOADER[1])],
            "2341:005a in its bootloader on /dev/ttyACM1",
            "press its reset button once",
        ),
        (replace(ANY, port="/dev/nothing"), [A], "is not there: /dev/nothing", "Give the port that"),
    ],
    ids=[
        "nothing attached",
        "another kind",
        "not attached",
        "another serial number",
        "in its bootloader",
        "named port",
    ],
)
def test_what_is_missing_and_what_is_there_instead_is_told(sought, ports, said, remedy):
    with pytest.raises(BoardNotFound) as caught:
        wait_for_port(sought, Bus(ports), Deadline(0))
    assert said in str(caught.value) and remedy in caught.value.remedy


def test_two_boards_to_choose_from_are_not_waited_for():
    with pytest.raises(BoardNotFound, match="2 boards"):
        wait_for_port(ANY, Bus([A, B]), Deadline(3600))

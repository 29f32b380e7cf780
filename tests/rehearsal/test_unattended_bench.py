"""A bench that nobody watches: boards that are recovered, waited for, and told apart by their USB sockets."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from rehearsal.bench import board_of, check_message
from serial.tools.list_ports_common import ListPortInfo
from started import wait_until

from harness.boards import port_search, user_command
from harness.errors import BoardNotFound, UploadFailed
from harness.link.deadline import Deadline
from harness.measure.retry import Retries

HOLDER = """
import sys
from harness.boards.locks import board_lock
with board_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(desk) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the board until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, desk.serial_number],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def usb_port(device: str, location: str) -> ListPortInfo:
    port = ListPortInfo(device)
    port.vid, port.pid, port.location = 0x2341, 0x805A, f"{location}:1.0"
    return port


def test_board_is_recovered_before_the_last_attempt(desk, image):
    desk.break_cli("upload", "fail")
    mend = f"rm {desk.state}/faults/upload; echo {{serial_number}} >>recovered"
    desk.write_bench_file(board={"recover": mend})
    with board_of(desk) as board:
        retries = Retries(board.recover)
        retries.run("measurement", lambda: board.upload(image))
        assert retries.notes[1].endswith("; recovered by command after 2 attempts")
        assert "No device found" in retries.notes[1]
    assert (desk.folder / "recovered").read_text() == f"{desk.serial_number}\n"


def test_board_that_is_not_attached_is_recovered(desk, image):
    desk.pull_out()
    desk.write_bench_file(board={"recover": "touch recovered"})
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        Retries(board.recover).run("measurement", lambda: board.upload(image))
    check_message(failure.value, "is attached, in attempt 3 after the board was recovered by command")
    assert (desk.folder / "recovered").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-hub -a cycle", "names a program that cannot be run"),
        ("echo no hub >&2; exit 1", "exited with 1: no hub"),
        ("touch hangs; sleep 1000", "did not end within 90 s"),
    ],
)
def test_recovery_that_fails_is_reported_and_the_last_attempt_made(desk, image, monkeypatch, command, said):
    clock = lambda: 1000.0 if (desk.folder / "hangs").exists() else 0.0  # noqa: E731
    monkeypatch.setattr(user_command, "Deadline", lambda seconds: Deadline(seconds, clock))
    desk.break_cli("upload", "fail")
    desk.write_bench_file(board={"recover": command, "upload_timeout_s": 90})
    with board_of(desk) as board, pytest.raises(UploadFailed) as failure:
        Retries(board.recover).run("measurement", lambda: board.upload(image))
    check_message(failure.value, "No device found", "in attempt 3 after the board was not recovered", said)
    assert [call[0] for call in desk.calls()].count("upload") == 3


def test_board_of_another_process_is_not_recovered(desk, image, holder):
    desk.write_bench_file(board={"recover": "touch recovered"})
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        Retries(board.recover).run("measurement", lambda: board.upload(image))
    check_message(failure.value, "in use", "--wait", f"process {holder.pid}")
    assert not (desk.folder / "recovered").exists()


def test_board_of_another_process_is_waited_for_and_its_holder_shown(desk, image, holder, lines, tmp_path):
    desk.write_bench_file(board={"wait_s": 600})
    with board_of(desk) as board:
        uploading = threading.Thread(target=board.upload, args=[image])
        uploading.start()
        waiting = wait_until(holder, lambda: next((line for line in lines if "waiting" in line), None))
        assert waiting.startswith(f"waiting up to 600 s for board {desk.serial_number}: process {holder.pid}")
        holder.kill()
        uploading.join()
        board.open(tmp_path / "log")


def test_wait_for_a_board_has_a_limit(desk, image, holder):
    desk.write_bench_file(board={"wait_s": 1})
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    check_message(failure.value, "in use, also after a wait of 1 s", f"process {holder.pid}")


def test_upload_has_the_time_limit_of_its_board(desk, image):
    desk.break_cli("upload", "hang")
    desk.write_bench_file(board={"upload_timeout_s": 1})
    with board_of(desk) as board, pytest.raises(UploadFailed) as failure:
        board.upload(image)
    check_message(failure.value, "did not end within 1 s", "arduino-cli upload")


def test_board_without_a_serial_number_is_found_at_its_usb_socket(desk, image, monkeypatch, tmp_path):
    def comports() -> list[ListPortInfo]:
        attached = [usb_port("/dev/ttyACM7", "1-1.3")]
        if port := desk.port():  # off the bus while it restarts
            attached.append(usb_port(port, "1-1.4"))
        return attached

    monkeypatch.setattr(port_search, "comports", comports)
    (desk.state / "serial_number").write_text("")
    desk.write_bench_file(board={"serial_number": "", "usb_location": "1-1.4"})
    before = desk.port()
    with board_of(desk) as board:
        board.upload(image)
        assert board.port == desk.port() != before
        board.open(tmp_path / "log")
        assert board.describe().uid == "1-1.4"
    desk.write_bench_file(board={"serial_number": "", "usb_location": "1-1.2"})
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    check_message(failure.value, "at the USB socket 1-1.2", "/dev/ttyACM7", "at USB socket 1-1.3")

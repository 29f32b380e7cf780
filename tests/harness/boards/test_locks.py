"""Locks of boards and uploads, shared by the processes and users of a host."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

from harness.boards import locks
from harness.boards.locks import board_lock
from harness.errors import BoardNotFound
from harness.files import file_name

HOLDS = """
import sys, time
from harness.boards.locks import board_lock
with board_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
TAKES = """
import sys
from harness.boards.locks import board_lock
with board_lock(sys.argv[1]):
    print("taken", flush=True)
"""


@pytest.fixture
def serial_number():
    number = f"test-{uuid.uuid4().hex}"
    yield number
    path_of(number).unlink(missing_ok=True)


def path_of(serial_number: str) -> Path:
    return locks._folder() / f"earshot-board-{serial_number}.lock"


@pytest.fixture(autouse=True)
def _outside_of_xdist(monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)


def start(program: str, serial_number: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, serial_number, "--flag"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


@pytest.fixture
def other(serial_number):
    """Another process that holds the board's lock."""
    process = start(HOLDS, serial_number)
    assert process.stdout and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream
        stream.close()


def held_by(serial_number: str, **environment: str) -> subprocess.Popen[str]:
    process = start(HOLDS, serial_number, **environment)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_the_busy_message_names_process_user_command_and_since(serial_number, other):
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    with pytest.raises(BoardNotFound) as caught, board_lock(serial_number):
        pass
    message = str(caught.value)
    started = rf"process {other.pid} of {user} since \d{{4}}-\d\d-\d\d [\d:]+[+-]\d\d:\d\d"
    assert re.search(rf"{started}: `.*{serial_number} --flag`", message)
    assert f"kill {other.pid}" in caught.value.remedy


def test_a_killed_holder_leaves_no_lock(serial_number, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    with board_lock(serial_number):
        pass


def test_two_users_in_one_process_exclude_each_other(serial_number):
    with (
        board_lock(serial_number),
        pytest.raises(BoardNotFound, match=str(os.getpid())),
        board_lock(serial_number),
    ):
        pass
    with board_lock(serial_number), pytest.raises(RuntimeError):
        raise RuntimeError("released by an exception too")
    with board_lock(serial_number):
        pass


def test_two_boards_do_not_exclude_each_other(serial_number):
    with board_lock(serial_number), board_lock(f"{serial_number}-2"):
        path_of(f"{serial_number}-2").unlink()


def test_any_serial_number_becomes_a_file_name(serial_number):
    with board_lock(f"../{serial_number}"):
        path_of(file_name(f"../{serial_number}")).unlink()


def test_workers_of_one_run_wait_for_each_other(serial_number):
    worker = {"PYTEST_XDIST_WORKER": "gw0", "PYTEST_XDIST_TESTRUNUID": "a"}
    first = held_by(serial_number, **worker)
    second = start(TAKES, serial_number, **worker | {"PYTEST_XDIST_WORKER": "gw1"})
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(3 * locks._GRACE_S)
    first.communicate("")
    assert second.communicate(timeout=600)[0] == "taken\n"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PYTEST_XDIST_WORKER": "gw0", "PYTEST_XDIST_TESTRUNUID": "b"},
        {"PYTEST_XDIST_WORKER": "gw0", "PYTEST_XDIST_TESTRUNUID": "a"},
    ],
    ids=["another program", "a worker of another run", "itself or its parent"],
)
def test_a_worker_does_not_wait_for(serial_number, environment):
    first = held_by(serial_number, **environment)
    worker = start(TAKES, serial_number, PYTEST_XDIST_WORKER="gw0", PYTEST_XDIST_TESTRUNUID="a")
    assert "is in use" in worker.communicate(timeout=600)[1]
    first.communicate("")


def test_every_user_can_use_the_file_at_any_umask(serial_number):
    before = os.umask(0o077)
    try:
        with board_lock(serial_number):
            assert stat.S_IMODE(path_of(serial_number).stat().st_mode) == 0o666
    finally:
        os.umask(before)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_sees_the_holder_and_can_take_a_free_lock(serial_number, other):
    nobody = "import os; os.setgid(65534); os.setuid(65534)"
    program = TAKES.replace("with", f"{nobody}\nwith")  # after the imports: the checkout may not be theirs
    refused = start(program, serial_number).communicate(timeout=600)
    assert str(other.pid) in refused[1]
    other.kill()
    other.wait()
    assert start(program, serial_number).communicate(timeout=600)[0] == "taken\n"


def test_a_symlink_in_place_of_the_file_is_not_followed(serial_number, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    path_of(serial_number).symlink_to(victim)
    with pytest.raises(BoardNotFound, match="cannot be used"), board_lock(serial_number):
        pass
    assert victim.read_text() == "kept"


def test_uploads_of_one_host_wait_for_each_other(monkeypatch):
    order = []

    def upload() -> None:
        with locks.upload_lock():
            order.append("second")

    with locks.upload_lock():
        with monkeypatch.context() as patch:
            patch.setattr(locks, "UPLOAD_WAIT_S", 0.0)
            with pytest.raises(BoardNotFound, match="the upload of this host is in use"), locks.upload_lock():
                pass
        waiting = threading.Thread(target=upload)
        waiting.start()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]

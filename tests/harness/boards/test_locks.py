from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import uuid

import pytest

from harness.boards import locks
from harness.boards.locks import BoardLock, UploadLock, holder
from harness.errors import BoardNotFound

HOLDS = """
import sys, time
from harness.boards.locks import BoardLock
with BoardLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
TAKES = """
import sys
from harness.boards.locks import BoardLock
with BoardLock(sys.argv[1]):
    print("taken", flush=True)
"""


@pytest.fixture
def serial_number():
    number = f"test-{uuid.uuid4().hex}"
    yield number
    path = locks._folder() / f"earshot-board-{number}.lock"
    path.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _outside_of_xdist(monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)


def start(program: str, serial_number: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, serial_number, "--night"],
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
    process.wait(20)
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream
        stream.close()


def test_the_busy_message_names_process_user_command_and_since(serial_number, other):
    now = holder(serial_number)
    assert now is not None
    assert now.pid == other.pid
    with pytest.raises(BoardNotFound) as caught:
        BoardLock(serial_number).acquire()
    message = str(caught.value)
    for part in (str(other.pid), now.user, f"{serial_number} --night", now.since):
        assert part in message
    assert f"kill {other.pid}" in caught.value.remedy


def test_the_user_is_the_one_that_runs_the_process(serial_number):
    with BoardLock(serial_number):
        now = holder(serial_number)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert now is not None
    assert now.user == user


def test_a_killed_holder_leaves_no_lock(serial_number, other):
    other.send_signal(signal.SIGKILL)
    other.wait(20)
    assert holder(serial_number) is None
    with BoardLock(serial_number) as lock:
        assert lock.held


def test_a_holder_that_ends_is_waited_for(serial_number, other):
    waiting = BoardLock(serial_number, wait_s=60.0)
    assert other.stdin
    other.stdin.close()
    with waiting:
        assert waiting.held


def test_waiting_ends_when_its_time_is_over(serial_number, other):
    with pytest.raises(BoardNotFound, match="is in use"):
        BoardLock(serial_number, wait_s=0.5).acquire()


def test_a_released_lock_is_free_and_names_nobody(serial_number):
    lock = BoardLock(serial_number)
    lock.acquire()
    lock.release()
    assert holder(serial_number) is None
    with BoardLock(serial_number):
        pass


def test_a_lock_is_taken_and_given_back_once(serial_number):
    lock = BoardLock(serial_number)
    lock.acquire()
    lock.acquire()
    lock.release()
    lock.release()
    assert not lock.held


def test_two_users_in_one_process_exclude_each_other(serial_number):
    with BoardLock(serial_number), pytest.raises(BoardNotFound, match=str(os.getpid())):
        BoardLock(serial_number).acquire()


def test_a_lock_is_freed_when_its_user_fails(serial_number):
    with pytest.raises(ZeroDivisionError), BoardLock(serial_number):
        raise ZeroDivisionError
    assert holder(serial_number) is None


def test_boards_do_not_exclude_each_other(serial_number):
    with BoardLock(serial_number), BoardLock(f"{serial_number}-2"):
        pass
    (locks._folder() / f"earshot-board-{serial_number}-2.lock").unlink()


def test_who_only_looks_takes_nobody_the_lock(serial_number, other):
    assert holder(serial_number) is not None
    with pytest.raises(BoardNotFound):
        BoardLock(serial_number).acquire()


def test_nobody_holds_a_board_that_was_never_locked():
    assert holder("never-locked") is None


def test_a_name_that_is_no_file_name_can_be_locked():
    with BoardLock("../../etc/passwd") as lock:
        assert lock._path.parent == locks._folder()
    lock._path.unlink()


def test_workers_of_one_run_wait_for_each_other(serial_number):
    worker = {"PYTEST_XDIST_WORKER": "gw0", "PYTEST_XDIST_TESTRUNUID": "a"}
    first = start(HOLDS, serial_number, **worker)
    assert first.stdout and first.stdout.readline() == "held\n"
    second = start(TAKES, serial_number, **worker | {"PYTEST_XDIST_WORKER": "gw1"})
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(3 * locks._GRACE_S)
    first.communicate("")
    assert second.communicate(timeout=60)[0] == "taken\n"


def test_real_workers_take_turns(serial_number, tmp_path):
    (tmp_path / "test_turns.py").write_text(
        "import time, pytest\nfrom pathlib import Path\nfrom harness.boards.locks import BoardLock\n"
        "@pytest.mark.parametrize('turn', range(2))\n"
        "def test_turn(turn, worker_id):\n"
        f"    with BoardLock('{serial_number}'), Path('order').open('a') as order:\n"
        "        print(worker_id, 'in', file=order, flush=True)\n"
        "        time.sleep(1.0)\n"
        "        print(worker_id, 'out', file=order)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "each", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout
    order = [line.split() for line in (tmp_path / "order").read_text().splitlines()]
    assert {worker for worker, _ in order} == {"gw0", "gw1"}
    assert all(first[0] == second[0] for first, second in zip(order[::2], order[1::2], strict=True))


def test_a_worker_does_not_wait_for_a_stranger(serial_number, other):
    worker = start(TAKES, serial_number, PYTEST_XDIST_WORKER="gw0", PYTEST_XDIST_TESTRUNUID="a")
    assert "is in use" in worker.communicate(timeout=60)[1]


def test_a_worker_does_not_wait_for_another_runs_worker(serial_number):
    first = start(HOLDS, serial_number, PYTEST_XDIST_WORKER="gw0", PYTEST_XDIST_TESTRUNUID="b")
    assert first.stdout and first.stdout.readline() == "held\n"
    second = start(TAKES, serial_number, PYTEST_XDIST_WORKER="gw0", PYTEST_XDIST_TESTRUNUID="a")
    assert "is in use" in second.communicate(timeout=60)[1]
    first.communicate("")


def test_a_worker_does_not_wait_for_itself(serial_number):
    """Nor for what it started: that would be for ever."""
    worker = {"PYTEST_XDIST_WORKER": "gw0", "PYTEST_XDIST_TESTRUNUID": "a"}
    first = start(HOLDS, serial_number, **worker)
    assert first.stdout and first.stdout.readline() == "held\n"
    assert "is in use" in start(TAKES, serial_number, **worker).communicate(timeout=60)[1]
    first.communicate("")


def test_the_lock_does_not_depend_on_the_place_for_temporary_files(
    serial_number, other, monkeypatch, tmp_path
):
    for variable in ("TMPDIR", "HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(BoardNotFound):
        BoardLock(serial_number).acquire()


def test_everybody_can_use_the_file_whatever_the_umask(serial_number):
    before = os.umask(0o077)
    try:
        with BoardLock(serial_number) as lock:
            assert stat.S_IMODE(lock._path.stat().st_mode) == 0o666
    finally:
        os.umask(before)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_is_refused_with_the_holders_name_and_can_take_a_free_lock(serial_number, other):
    nobody = "import os; os.setgid(65534); os.setuid(65534)"
    program = TAKES.replace("with", f"{nobody}\nwith")  # after the imports: the checkout may not be theirs
    refused = start(program, serial_number).communicate(timeout=60)
    assert str(other.pid) in refused[1]
    other.kill()
    other.wait(20)
    assert start(program, serial_number).communicate(timeout=60)[0] == "taken\n"


def test_a_link_in_place_of_the_file_is_not_followed(serial_number, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (locks._folder() / f"earshot-board-{serial_number}.lock").symlink_to(victim)
    with pytest.raises(BoardNotFound, match="cannot be used"):
        BoardLock(serial_number).acquire()
    assert victim.read_text() == "kept"


def test_uploads_of_one_host_exclude_each_other():
    with UploadLock(), pytest.raises(BoardNotFound, match="the upload of this host is in use"):
        UploadLock(wait_s=0.0).acquire()

"""Faults between host and board before any measurement: class, reason, remedy.

Each on the unmodified `nano33ble`, with the stand-in for arduino-cli. After each, no process is left and the
board is free.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from board_locks import is_free
from rehearsal.bench import MARK, board_of, check_message, rehearsal_bench
from rehearsal.wire import Fault
from started import processes_with, wait_for_end, wait_until

from harness.arduino_cli.cli import COMMAND_VARIABLE, ArduinoCli
from harness.boards.locks import board_lock
from harness.errors import BoardNotFound, BuildFailed, ProtocolError, UploadFailed
from harness.firmware.engine import get_engine


def test_uploaded_image_proves_itself(desk, image, tmp_path):
    before = desk.port()
    with board_of(desk) as board:
        board.upload(image)
        with pytest.raises(BoardNotFound, match="in use"), board_lock(desk.serial_number):
            pass
        assert board.port != before
        boot = board.open(tmp_path / "log").handshake(image)
    assert (boot.board, boot.build_id) == ("nano33ble", image.build_id)


def test_bench_leaves_no_temporary_folder(image, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:  # a socket's path is short
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        with rehearsal_bench() as bench:
            monkeypatch.setenv(COMMAND_VARIABLE, str(bench.command))
            with board_of(bench) as board:
                board.upload(image)
        assert list(Path(folder).iterdir()) == []


def test_failed_upload_shows_the_command_and_its_output(desk, image):
    desk.break_cli("upload", "fail")
    with board_of(desk) as board, pytest.raises(UploadFailed) as failure:
        board.upload(image)
    check_message(failure.value, "arduino-cli upload", "No device found on ttyACM0")


def test_port_held_by_another_process_is_a_failed_upload(desk, image):
    desk.use_stand_in()  # the platform's tool asks the board beside its port
    with (
        serial.Serial(desk.port(), exclusive=True),
        board_of(desk) as board,
        pytest.raises(UploadFailed) as failure,
    ):
        board.upload(image)
    check_message(failure.value, "lock")


def test_port_grabbed_after_the_upload_is_busy(desk, image, tmp_path):
    desk.faults(board="grabs")
    with board_of(desk) as board:
        board.upload(image)
        with pytest.raises(BoardNotFound) as failure:
            board.open(tmp_path / "log")
    check_message(failure.value, "ModemManager", "ttyACM1")


def test_board_in_use_is_left_alone_and_its_user_named(desk, image):
    with board_lock(desk.serial_number), board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    check_message(failure.value, "in use", f"process {os.getpid()}")


def test_missing_board_is_named_with_its_serial_number(desk, image):
    desk.pull_out()
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    check_message(failure.value, desk.serial_number, "cable")


def test_board_that_does_not_return_after_the_upload(desk, image):
    desk.faults(board="stays away")
    with board_of(desk) as board, pytest.raises(BoardNotFound) as failure:
        board.upload(image)
    check_message(failure.value, desk.serial_number)


@pytest.mark.slow  # the patience for an answer is 10 s
def test_board_that_never_answers(desk, image, tmp_path):
    desk.faults(Fault("hang", line=""))
    with board_of(desk) as board:
        board.upload(image)
        with pytest.raises(ProtocolError) as failure:
            board.open(tmp_path / "log")
    check_message(failure.value, "did not answer within")
    assert b"boot%" in (tmp_path / "log").read_bytes()


def test_board_that_still_runs_the_old_image(desk, image, tmp_path):
    with board_of(desk) as board:
        board.upload(image)
        desk.faults(board="keeps")
        board.upload(replace(image, variant_id="new", build_id="0" * len(image.build_id)))
        with pytest.raises(ProtocolError) as failure:
            board.open(tmp_path / "log")
    check_message(failure.value, "runs another image: variant small", "expected variant new")
    assert b"$boot," in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize(
    ("kind", "said"),
    [("crash", "crashed"), ("nonsense", "not the JSON"), ("fail", "internal compiler error")],
)
def test_misbehaving_arduino_cli_is_a_failed_build(desk, model, kind, said):
    desk.break_cli("compile", kind)
    with board_of(desk, optimization="O1") as board, pytest.raises(BuildFailed) as failure:
        board.build(model, get_engine("codegen"))
    check_message(failure.value, said)


def test_old_arduino_cli_is_named_with_the_required_version(desk, model):
    desk.break_cli("version", "old")
    with board_of(desk) as board, pytest.raises(BuildFailed) as failure:
        board.build(model, get_engine("codegen"))
    check_message(failure.value, "0.35.3", "1.2.0")


def test_hanging_arduino_cli_is_killed_with_its_children(desk, monkeypatch):
    monkeypatch.setattr("harness.arduino_cli.cli._LIST_S", 1.0)
    desk.break_cli("board", "hang")
    with pytest.raises(BoardNotFound) as failure:
        ArduinoCli().detected_ports()
    check_message(failure.value, "did not end within 1 s")


UPLOADS = """
import pickle, sys
from pathlib import Path
from types import SimpleNamespace
from rehearsal.bench import board_of
with board_of(SimpleNamespace(file=Path(sys.argv[1]))) as board:
    board.upload(pickle.loads(Path(sys.argv[2]).read_bytes()))
"""


@pytest.mark.parametrize(
    "end",
    [pytest.param(None, marks=pytest.mark.slow, id="time-out"), signal.SIGINT, signal.SIGKILL],
    ids=["time-out", "SIGINT", "SIGKILL"],
)
def test_upload_that_is_cut_off_leaves_no_flash_tool(desk, image, tmp_path, end):
    """arduino-cli starts the tool in a process group of its own."""
    desk.faults(board="stalls")
    desk.write_bench_file(board={"upload_timeout_s": 600 if end else 10})
    (tmp_path / "image").write_bytes(pickle.dumps(image))
    command = [sys.executable, "-c", UPLOADS, str(desk.file), str(tmp_path / "image")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # as pytest has it
    user = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tool = wait_until(user, lambda: next(iter(flash_tools(desk)), None))
    cli = parent_of(tool)
    assert os.getsid(tool) == os.getsid(cli) and os.getpgid(tool) != os.getpgid(cli)
    if end:
        user.send_signal(end)
    wait_for_end(tool, timeout_s=30.0)  # by itself it waits for 60 s
    told = user.communicate()[0]
    assert end or "did not end within 10 s" in told
    assert is_free(desk.serial_number)


def flash_tools(bench) -> list[int]:
    """Return the processes of the tool that writes to the bench's board."""
    tool = re.compile(r"python[\d.]* .*(board\.py upload|flash_tool) ")
    found = processes_with(f"{MARK}={bench.environment[MARK]}")
    return [pid for pid, command in found.items() if tool.search(command)]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_missing_arduino_cli(desk, model):
    desk.command.unlink()
    with board_of(desk) as board, pytest.raises(BuildFailed) as failure:
        board.build(model, get_engine("codegen"))
    check_message(failure.value, "not installed", "EARSHOT_ARDUINO_CLI")

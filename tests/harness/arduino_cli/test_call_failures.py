from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_stand_in import HANGS_WITH_A_CHILD, is_alive, recorded, until

from harness.arduino_cli import process
from harness.arduino_cli.cli import ArduinoCli
from harness.errors import BoardNotFound, BuildFailed, UploadFailed
from harness.link.deadline import Deadline

CALLER = "import sys; from harness.arduino_cli.cli import ArduinoCli; ArduinoCli(sys.argv[1]).cores()"


def test_a_missing_arduino_cli_is_told_with_how_to_get_it():
    with pytest.raises(UploadFailed, match="not installed") as caught:
        ArduinoCli("/nowhere/arduino-cli").upload("a:b:c", "/dev/ttyACM0", Path())
    assert "EARSHOT_ARDUINO_CLI" in caught.value.remedy


def test_a_file_that_is_no_program_is_told(tmp_path):
    program = tmp_path / "arduino-cli"
    program.write_bytes(b"\x00\x01")
    program.chmod(0o755)
    with pytest.raises(BuildFailed, match="arduino-cli"):
        ArduinoCli(str(program)).version()


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("error_network", 5, "could not reach the network"),
        ("error_bad_argument", 7, "an argument it does not take"),
        ("error_not_found", 1, "arduino-cli failed"),
    ],
)
def test_the_exit_status_becomes_a_sentence_and_the_error_stays_as_it_is(
    cli, stand_in, name, status, sentence
):
    stand_in.answers("core list", stderr=recorded(name), status=status)
    with pytest.raises(BuildFailed, match=sentence) as caught:
        cli.cores()
    assert f"core list --json` exited with {status}: " in caught.value.where
    assert caught.value.remedy


def test_warnings_of_a_failed_call_are_told(cli, stand_in):
    stand_in.answers("core list", stderr=recorded("error_network"), status=5)
    with pytest.raises(BuildFailed, match=r"library_index\.json: no such file"):
        cli.cores()


def test_an_error_on_stdout_is_read_as_well(cli, stand_in):
    stand_in.answers("core list", stdout=recorded("error_not_found"), status=1)
    with pytest.raises(BuildFailed, match=r"mbed_nano@9\.9\.9"):
        cli.cores()


@pytest.mark.parametrize(
    ("stdout", "stderr", "status"),
    [
        ("", "panic: runtime error: invalid memory address or nil pointer dereference\n", 2),
        ("Connected to the moon.\n", "", 0),
        ("", "", 0),
        ("", "", 1),
        ('{"platforms": [', "", 0),
        ("{" + '"a":{' * 100_000, "", 0),
    ],
    ids=["panic", "nonsense", "silence", "silent failure", "cut off", "nested"],
)
def test_no_json_is_a_crash(cli, stand_in, stdout, stderr, status):
    stand_in.answers("core list", stdout, stderr, status)
    with pytest.raises(BuildFailed, match="crashed"):
        cli.cores()


def test_a_crash_shows_the_last_words(cli, stand_in):
    stand_in.answers("core list", "", "goroutine 1 [running]:\nmain.main()", 2)
    with pytest.raises(BuildFailed, match=r"main\.main"):
        cli.cores()


def test_a_signal_is_a_crash(cli, stand_in):
    stand_in.answers("board list", code="os.kill(os.getpid(), 11)")
    with pytest.raises(BoardNotFound, match="exited with 139"):
        cli.detected_ports()


def test_bytes_that_are_no_text_are_a_crash(cli, stand_in):
    stand_in.answers("core list", code=r"sys.stdout.buffer.write(bytes(range(256)))")
    with pytest.raises(BuildFailed, match="crashed"):
        cli.cores()


def test_a_hanging_call_is_killed_with_its_children(cli, stand_in):
    cli.version()
    stand_in.answers("core list", stderr="Downloading", code=HANGS_WITH_A_CHILD)
    with pytest.raises(BuildFailed, match=r"did not end within 3 s.*Downloading"):
        cli.cores(Deadline(3.0, clock=lambda: 4.0 if stand_in.hangs else 0.0))
    until(lambda: not any(map(is_alive, stand_in.pids())))


def test_a_deadline_that_has_passed_ends_the_call(cli, stand_in):
    cli.version()
    stand_in.answers("core list", code=HANGS_WITH_A_CHILD)
    with pytest.raises(BuildFailed, match="did not end"):
        cli.cores(Deadline(0.0))


def test_a_child_that_outlives_the_call_is_killed(cli, stand_in):
    outlives = HANGS_WITH_A_CHILD.replace("time.sleep(1000)", "")
    stand_in.answers("core list", recorded("core_list"), code=outlives)
    assert cli.cores()
    until(lambda: not any(map(is_alive, stand_in.pids())))


def test_a_flood_is_cut_off(cli, stand_in, monkeypatch):
    monkeypatch.setattr(process, "OUTPUT_LIMIT_BYTES", 1 << 20)
    stand_in.answers("core list", code="while True: sys.stdout.write('{' * 65536)")
    with pytest.raises(BuildFailed, match="without end"):
        cli.cores()


def test_long_answers_on_both_streams_do_not_block(cli, stand_in):
    stand_in.answers("core list", " " * 3_000_000 + recorded("core_list"), "x" * 3_000_000)
    assert cli.cores()


def test_an_interrupted_caller_leaves_no_process(stand_in):
    stand_in.answers("core list", code=HANGS_WITH_A_CHILD)
    caller = subprocess.Popen([sys.executable, "-c", CALLER, stand_in.command], stderr=subprocess.DEVNULL)
    pids = stand_in.pids()
    caller.send_signal(signal.SIGINT)
    caller.wait(60)
    until(lambda: not any(map(is_alive, pids)))


def test_a_killed_caller_leaves_no_process(stand_in):
    stand_in.answers("core list", code=HANGS_WITH_A_CHILD)
    caller = subprocess.Popen([sys.executable, "-c", CALLER, stand_in.command])
    pids = stand_in.pids()
    caller.kill()
    caller.wait(60)
    until(lambda: not any(map(is_alive, pids)))

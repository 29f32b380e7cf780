"""Calls of arduino-cli: answers, failures, and processes that never outlive a call."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cli_answers
import pytest
from stand_in_cli import FQBN, SERIAL_NUMBER, StandInCli
from started import wait_for_end

from harness.arduino_cli import cli as cli_module
from harness.arduino_cli.answers import Core, DetectedPort, MatchingBoard
from harness.arduino_cli.cli import MINIMUM_VERSION, ArduinoCli
from harness.errors import BoardNotFound, BuildFailed, DoesNotFit, UploadFailed
from harness.link.deadline import Deadline
from harness.processes import command as command_module

FLASH, RAM = 983_040, 262_144
HANGS_WITH_A_CHILD = (  # which has a process group of its own, as the tools of arduino-cli have
    "import subprocess\n"
    "child = subprocess.Popen(['sleep', '1000'], process_group=0)\n"
    "open(folder + '/pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
    "time.sleep(1000)\n"
)
CALLER = "import sys; from harness.arduino_cli.cli import ArduinoCli; ArduinoCli(sys.argv[1]).cores()"


@pytest.fixture
def stand_in(tmp_path):
    return StandInCli(tmp_path / "bin")


@pytest.fixture
def cli(stand_in):
    return ArduinoCli(str(stand_in.command))


@pytest.fixture
def compile_sketch(cli, tmp_path):
    return lambda: cli.compile(tmp_path / "earshot", FQBN, tmp_path / "output", {})


def test_the_version_is_checked_once(cli, stand_in):
    assert cli.version() == "1.5.1"
    cli.cores()
    cli.cores()
    assert len(stand_in.details("version")) == 1


@pytest.mark.parametrize("version", ["0.35.3", "1.1.1", ""])
def test_a_version_that_is_too_old_is_refused_with_the_minimum(cli, stand_in, version):
    stand_in.has_version(version)
    with pytest.raises(BoardNotFound, match=rf"is too old: {MINIMUM_VERSION}"):
        cli.detected_ports()


@pytest.mark.parametrize("version", ["nightly-20260724", "git-snapshot", "0.0.0-git"])
def test_a_developers_build_is_new_enough(cli, stand_in, version):
    stand_in.has_version(version)
    assert cli.version() == version


def test_calls_run_without_stdin_locale_updates_and_cloud(cli, stand_in):
    cli.detected_ports()
    (call,) = stand_in.details("board list")
    assert (call["stdin"], call["folder"], call["arguments"][-1]) == ("", "/", "--json")
    assert cli_module._ENVIRONMENT.items() <= call["environment"].items()


def test_the_command_is_named_by_the_variable_or_found_on_the_search_path(stand_in, monkeypatch):
    monkeypatch.setenv("EARSHOT_ARDUINO_CLI", str(stand_in.command))
    assert ArduinoCli().version() == "1.5.1"
    monkeypatch.setenv("HOME", str(stand_in.command.parents[1]))
    for command in ("~/bin/arduino-cli", " env 'NAME=a b' ~/bin/arduino-cli\n"):
        monkeypatch.setenv("EARSHOT_ARDUINO_CLI", command)
        assert ArduinoCli().version() == "1.5.1"
    assert stand_in.details("version")[-1]["environment"]["NAME"] == "a b"
    monkeypatch.delenv("EARSHOT_ARDUINO_CLI")
    monkeypatch.setenv("PATH", str(stand_in.command.parent), prepend=":")
    assert ArduinoCli().version() == "1.5.1"


def test_ports_have_their_usb_identity_and_the_boards_that_they_may_be(cli, stand_in):
    stand_in.steps("board list", {"stdout": cli_answers.BOARD_LIST})
    nano = MatchingBoard("Arduino Nano 33 BLE", FQBN)
    assert cli.detected_ports() == [
        DetectedPort("/dev/ttyACM0", "serial", SERIAL_NUMBER, 0x2341, 0x805A, (nano,)),
        DetectedPort("/dev/ttyS0", "serial"),
    ]


def test_a_missing_serial_discovery_is_no_absent_board(cli, stand_in):
    stand_in.steps("board list", {"stdout": cli_answers.BOARD_LIST_WITHOUT_DISCOVERY})
    with pytest.raises(BoardNotFound, match=r"serial-discovery.*core update-index"):
        cli.detected_ports()


@pytest.mark.parametrize(
    ("verb", "ask"), [("board list", "detected_ports"), ("core list", "cores"), ("lib list", "libraries")]
)
def test_an_empty_list_comes_with_the_warnings_about_it(cli, stand_in, verb, ask):
    stand_in.steps(
        verb, {"stdout": {"detected_ports": None, "warnings": ["open idVendor: permission denied"]}}
    )
    with pytest.raises((BoardNotFound, BuildFailed), match=r"idVendor: permission denied.*access"):
        getattr(cli, ask)()
    stand_in.steps(verb, {"stdout": {}})
    assert getattr(cli, ask)() == []


CORES = json.dumps(cli_answers.core_list(), indent=1)


@pytest.mark.parametrize(
    "output",
    [
        f"Downloading index: package_index.tar.bz2 downloaded\n{CORES}",
        f"[INFO] {{cache}} is stale\r\n\r\n{CORES}\nDone {{ok}}.\n",
        f"\ufeffWARNING: old index {json.dumps(cli_answers.core_list())} done",
        f"\x1b[33m50 %\r100 %\r{CORES}\x1b[0m",
    ],
    ids=["before", "around, with braces", "in one line", "control characters"],
)
def test_lines_around_the_answer_are_ignored(cli, stand_in, output):
    stand_in.steps("core list", {"stdout": output})
    assert cli.cores() == [Core("arduino:mbed_nano", "4.6.0")]


@pytest.mark.parametrize("output", ["null", "null\n", "[]", "Loading index\nnull\n", '{"platforms": null}'])
def test_null_is_an_empty_answer(cli, stand_in, output):
    stand_in.steps("core list", {"stdout": output})
    assert cli.cores() == []


def test_a_port_without_hexadecimal_ids_is_no_usb_device(cli, stand_in):
    port = {"address": "/dev/ttyS1", "protocol": "serial", "properties": {"vid": "n/a", "pid": ""}}
    stand_in.steps("board list", {"stdout": {"detected_ports": [{"port": port, "matching_boards": None}]}})
    assert cli.detected_ports() == [DetectedPort("/dev/ttyS1", "serial")]


def test_installed_cores_and_libraries_are_listed(cli, stand_in):
    stand_in.steps("lib list", {"stdout": cli_answers.LIB_LIST})
    assert cli.cores() == [Core("arduino:mbed_nano", "4.6.0")]
    (library,) = cli.libraries()
    assert (library.name, library.version) == ("Chirale_TensorFlowLite", "2.0.0")
    assert library.install_dir == "/home/bench/Arduino/libraries/Chirale_TensorFlowLite"


def test_a_compilation_returns_sizes_libraries_and_toolchain(cli, stand_in, tmp_path, monkeypatch):
    stand_in.steps("compile", {"stdout": cli_answers.compiled()})
    monkeypatch.chdir(tmp_path)
    cli = ArduinoCli(str(stand_in.command), build_cache=Path("cache"))
    flags = {"compiler.cpp.extra_flags": "-O3"}
    compiled = cli.compile(Path("earshot"), FQBN, Path("output"), flags, [tmp_path / "libraries"])
    assert compiled.image == Path("output", "earshot.ino.elf")
    assert (compiled.text_bytes, compiled.data_bytes) == (242_336, 71_632)
    assert [library.name for library in compiled.used_libraries] == ["PDM"]
    assert compiled.toolchain == "arm-none-eabi-gcc 7-2017q4"
    (call,) = stand_in.details("compile")
    assert call["environment"]["ARDUINO_BUILD_CACHE_PATH"] == str(tmp_path / "cache")
    assert call["arguments"] == [
        *("compile", "--fqbn", FQBN, "--output-dir", str(tmp_path / "output")),
        *("--build-property", "compiler.cpp.extra_flags=-O3"),
        *("--libraries", str(tmp_path / "libraries"), str(tmp_path / "earshot"), "--json"),
    ]


def test_a_comma_in_a_path_of_libraries_makes_no_second_path(cli, stand_in, tmp_path):
    """arduino-cli reads the option as a line of CSV."""
    folder = tmp_path / 'a, "b"'
    cli.compile(tmp_path / "earshot", FQBN, tmp_path / "output", {}, [folder])
    (call,) = stand_in.calls("compile")
    assert next(csv.reader([call[call.index("--libraries") + 1]])) == [str(folder)]


def test_a_success_without_an_image_is_a_failure(stand_in, compile_sketch):
    stand_in.steps("compile", {"stdout": cli_answers.compiled(), "makes_nothing": True})
    with pytest.raises(BuildFailed, match=r"no earshot\.ino\.elf"):
        compile_sketch()


@pytest.mark.parametrize("result", [None, {}, {"executable_sections_size": [{"name": "text", "size": 9}]}])
def test_a_success_without_sizes_is_a_failure(stand_in, compile_sketch, result):
    stand_in.steps("compile", {"stdout": {"success": True, "builder_result": result}})
    with pytest.raises(BuildFailed, match="does not tell the size"):
        compile_sketch()


@pytest.mark.parametrize(
    ("answer", "section", "needed", "available"),
    [
        (cli_answers.FLASH_OVERFLOW, "flash", FLASH + 12, FLASH),
        (cli_answers.RAM_OVERFLOW, "ram", RAM + 0x610, RAM),
        (cli_answers.TOO_LARGE, "flash", 1_031_284, FLASH),
    ],
)
def test_an_image_larger_than_the_board_does_not_fit(
    stand_in, compile_sketch, answer, section, needed, available
):
    stand_in.steps("compile", {"stdout": answer, "status": 1})
    with pytest.raises(DoesNotFit) as caught:
        compile_sketch()
    problem = caught.value
    assert (problem.section, problem.needed_bytes, problem.available_bytes) == (section, needed, available)
    assert problem.where == "earshot"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (cli_answers.COMPILE_ERROR, r"engine.cpp:9:3: 'Model' was not declared in this scope\)"),
        (cli_answers.UNKNOWN_BOARD, "board arduino:mbed_nano:nonsense not found"),
        ({"success": False, "builder_result": None, "error": "no platform"}, "no platform.*core installed"),
        ({"success": False, "compiler_err": "a.o: No space left on device"}, "the disk is full"),
    ],
)
def test_other_failed_compilations(stand_in, compile_sketch, answer, sentence):
    stand_in.steps("compile", {"stdout": answer, "status": 1})
    with pytest.raises(BuildFailed, match=sentence) as caught:
        compile_sketch()
    assert not isinstance(caught.value, DoesNotFit)


def test_a_failed_upload_has_command_status_and_the_uploaders_output(cli, stand_in, tmp_path):
    stand_in.steps("upload", {"stderr": cli_answers.UPLOAD_ERROR, "status": 1})
    with pytest.raises(UploadFailed) as caught:
        cli.upload(FQBN, "/dev/ttyACM0", tmp_path)
    assert "upload --fqbn" in caught.value.command
    assert caught.value.returncode == 1
    assert "No device found on ttyACM0" in caught.value.stderr_tail
    arguments = ("--fqbn", FQBN, "--port", "/dev/ttyACM0", "--input-dir", str(tmp_path))
    assert stand_in.calls("upload") == [["upload", *arguments, "--json"]]


def test_a_command_with_blanks_in_its_path_needs_no_quotation_marks(tmp_path):
    assert ArduinoCli(str(StandInCli(tmp_path / "a b").command)).version() == "1.5.1"


def test_a_missing_arduino_cli_is_refused_with_its_address():
    with pytest.raises(UploadFailed, match="not installed") as caught:
        ArduinoCli("/nowhere/arduino-cli").upload("a:b:c", "/dev/ttyACM0", Path())
    assert "EARSHOT_ARDUINO_CLI" in caught.value.remedy


def test_a_file_that_is_no_program_is_refused(tmp_path):
    program = tmp_path / "arduino-cli"
    program.write_bytes(b"\x00\x01")
    program.chmod(0o755)
    with pytest.raises(BuildFailed, match=r"cannot be started|Exec format error"):
        ArduinoCli(str(program)).version()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("status", "sentence"), [(1, "arduino-cli failed"), (11, "arduino-cli needs a programmer")]
)
def test_the_exit_status_becomes_a_sentence(cli, stand_in, stream, status, sentence):
    answer = {"error": "Quelque chose.", "warnings": ["library_index.json is missing"]}
    stand_in.steps("core list", {stream: answer, "status": status})
    with pytest.raises(BuildFailed, match=sentence) as caught:
        cli.cores()
    assert f"core list --json` exited with {status}: Quelque chose." in caught.value.where
    assert "library_index.json is missing" in caught.value.where


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ({"stderr": "panic: runtime error: invalid memory address\n", "status": 2}, "crashed"),
        ({"code": "os.kill(os.getpid(), 11)"}, "crashed"),
        ({"stderr": "Error: no space left on device\n", "status": 7}, "failed"),
        ({"status": 1}, "failed"),
        ({"stdout": "Connected to the moon.\n"}, "not the JSON"),
        ({"stdout": '{"platforms": [{"id": 5}]}'}, "not the JSON"),
        ({"stdout": CORES[:-3]}, "not the JSON"),
        ({"stdout": {"nothing": "that is documented"}}, "not the JSON"),
        ({"stdout": "{" + '"a":{' * 100_000}, "not the JSON"),
        ({"code": r"sys.stdout.buffer.write(bytes(range(256)))"}, "not the JSON"),
    ],
    ids=[
        *("panic", "signal", "text", "silence", "nonsense", "another type", "half", "other keys", "nested"),
        "bytes",
    ],
)
def test_an_answer_that_is_not_the_documented_json_is_told_in_one_line(cli, stand_in, step, what):
    stand_in.steps("core list", step)
    with pytest.raises(BuildFailed, match=f"{what}.*{step.get('stderr', '').strip()}") as caught:
        cli.cores()
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture
def pids(stand_in):
    """Returns a function that waits for `HANGS_WITH_A_CHILD` and returns its process and its child."""
    file = stand_in.command.parent / "pids"

    def read(wait: bool = True) -> list[int]:
        end = time.monotonic() + 60
        while len(found := file.read_text().split() if file.exists() else []) < 2 and wait:
            assert time.monotonic() < end
            time.sleep(0.01)
        return [int(pid) for pid in found]

    return read


def test_a_hanging_call_is_killed_with_its_children(cli, stand_in, pids, monkeypatch):
    cli.version()
    stand_in.steps("core list", {"stderr": "Downloading", "code": HANGS_WITH_A_CHILD})
    clock = lambda: 100.0 if pids(wait=False) else 0.0  # noqa: E731
    monkeypatch.setattr(cli_module, "Deadline", lambda seconds: Deadline(seconds, clock))
    with pytest.raises(BuildFailed, match=r"did not end within 60 s.*Downloading"):
        cli.cores()
    wait_for_end(*pids())


def test_a_child_that_outlives_the_call_is_killed(cli, stand_in, pids):
    code = HANGS_WITH_A_CHILD.replace("time.sleep(1000)", "")
    stand_in.steps("core list", {"stdout": cli_answers.core_list(), "code": code})
    assert cli.cores()
    wait_for_end(*pids())


def test_endless_output_is_cut_off(cli, stand_in, monkeypatch):
    monkeypatch.setattr(command_module, "OUTPUT_LIMIT_BYTES", 1 << 20)
    stand_in.steps("core list", {"code": "while True: sys.stdout.write('{' * 65536)"})
    with pytest.raises(BuildFailed, match="without end"):
        cli.cores()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_caller_that_ends_leaves_no_process(stand_in, pids, end):
    stand_in.steps("core list", {"code": HANGS_WITH_A_CHILD})
    command = [sys.executable, "-c", CALLER, str(stand_in.command)]
    caller = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    started = pids()
    caller.send_signal(end)
    caller.wait(60)
    wait_for_end(*started)

"""The pytest plugin: options, markers, selection, and the effect of a broken board.

Sessions run in this process, for which everything that the plugin imports is imported here: numpy and torch
cannot be imported twice. Sessions with workers or a signal are processes of their own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from stand_in_cli import SERIAL_NUMBER, StandInCli, usb_port

import harness.boards
import harness.boards.attached
import harness.runs.run
import models.parallel
import models.variants  # noqa: F401
from harness.arduino_cli.cli import COMMAND_VARIABLE
from harness.bench_file import VARIABLE
from harness.boards.registry import board_kinds
from harness.plugin import MARKERS

board_kinds()  # imports every kind

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def lean(monkeypatch):
    """Spare each process of a session the import of a plugin that no session here uses."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


TESTS = """
import pytest

def test_bench(board, model):
    pass

@pytest.mark.hardware
def test_desk():
    pass

@pytest.mark.slow
def test_plain():
    pass
"""


@pytest.fixture
def bench(pytester, monkeypatch):
    """A folder of tests, an empty bench file, and a host without boards."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    pytester.makepyfile(TESTS)
    stand_in = StandInCli(pytester.path / "bin")
    monkeypatch.setenv(COMMAND_VARIABLE, str(stand_in.command))
    monkeypatch.setenv(VARIABLE, str(pytester.makefile(".toml", bench="")))
    pytester.stand_in = stand_in
    return pytester


TOASTER = """
from harness.boards.emulated import EmulatedBoard

class Toaster(EmulatedBoard):
    name, marker = "toaster", "hardware"
"""


@pytest.fixture
def desk(bench, monkeypatch):
    """The same with a board in the bench file, of a kind that needs no hardware."""
    boards = bench.mkdir("boards")
    (boards / "toaster.py").write_text(TOASTER)
    monkeypatch.setattr(harness.boards, "__path__", [*harness.boards.__path__, str(boards)])
    bench.makeconftest(
        "import harness.boards\n"
        f"harness.boards.__path__ = [*harness.boards.__path__, {str(boards)!r}]\n"  # in a process of its own
        "pytest_plugins = ['harness.plugin']\n"
    )
    bench.makefile(".toml", bench='[board.desk]\nkind = "toaster"')
    return bench


def refused(bench, *options: str) -> str:
    """Return what a session that is a usage error says."""
    result = bench.runpytest_inprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "passed" not in result.stdout.str()
    return result.stderr.str()


def test_every_marker_is_declared(bench):
    shown = bench.runpytest_inprocess("--markers").stdout.str()
    assert all(f"@pytest.mark.{name}:" in shown for name in MARKERS)


def test_bench_tests_carry_the_mark_of_the_board_and_run_once_per_variant(bench):
    names = ("firmware", "link", "session")
    bench.makepyfile(TESTS + "".join(f"def test_{name}({name}):\n    pass\n" for name in names))
    collected = bench.runpytest_inprocess(
        "--collect-only", "-m", "emulated", "--earshot-variants", "tinyconv-*"
    )
    collected.stdout.fnmatch_lines(
        ["earshot: board emulated, engine codegen, variants tinyconv-?, dataset synthetic"]
    )
    shown = collected.stdout.str()
    for name in ("bench", *names):
        assert f"test_{name}[tinyconv-float32]" in shown and f"test_{name}[tinyconv-int8]" in shown
    assert "test_plain" not in shown and "test_desk" not in shown


@pytest.mark.parametrize("options", ["slow", "not gpu and not emulated"])
def test_hardware_is_deselected_unless_requested(bench, options):
    result = bench.runpytest_inprocess("-m", options, "--earshot-variants", "tinyconv-int8")
    result.assert_outcomes(passed=1, deselected=2)


def test_requested_but_missing_hardware_fails_the_session(bench, monkeypatch):
    assert "there is no board to test" in refused(bench, "-m", "hardware or slow")
    assert "'emulated' is not hardware" in refused(
        bench, "-m", "hardware or slow", "--earshot-board", "emulated"
    )
    monkeypatch.setenv(COMMAND_VARIABLE, "/nowhere/arduino-cli")
    assert "arduino-cli" in refused(bench, "-m", "hardware")


def test_missing_hardware_ends_workers_of_xdist_with_the_reason(bench):
    result = bench.runpytest_subprocess("-m", "hardware", "-n1")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*Interrupted: enumerate: there is no board to test*"])


def test_invalid_boards_and_variants_are_usage_errors_that_name_them(bench):
    other = bench.makefile(".toml", other="[board.shelf]\nkind = 7")
    assert "line 2, board.shelf.kind" in refused(bench, "--earshot-bench", other)
    assert "toaster" in refused(bench, "--earshot-board", "toaster")
    assert "runs ONNX models, not firmware" in refused(bench, "--earshot-board", "linux")
    result = bench.runpytest_inprocess("--earshot-variants", "nothing-like-this")
    assert result.ret != 0
    assert "tinyconv-int8" in result.stdout.str() + result.stderr.str()


def test_hardware_session_without_tests_is_red(desk):
    desk.makepyfile("def test_plain():\n    pass")
    assert desk.runpytest_inprocess("-m", "hardware").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_hardware_takes_the_only_board_of_the_bench_file(desk):
    result = desk.runpytest_inprocess(
        "-m", "hardware", "--earshot-variants", "tinyconv-int8", "--collect-only"
    )
    result.stdout.fnmatch_lines(["earshot: board desk (toaster), engine codegen,*"])
    shown = result.stdout.str()
    assert "test_bench[tinyconv-int8]" in shown and "test_desk" in shown and "test_plain" not in shown


def test_default_board_is_the_emulated_one_and_a_named_one_runs_hardware_tests(desk):
    desk.runpytest_inprocess("--collect-only").stdout.fnmatch_lines(["earshot: board emulated, *"])
    result = desk.runpytest_inprocess(
        "--earshot-board", "desk", "--earshot-variants", "tinyconv-int8", "-k", "not bench"
    )
    result.assert_outcomes(passed=2, deselected=1)


def test_hardware_takes_an_attached_board(bench):
    bench.stand_in.lists([usb_port("/dev/ttyACM7")])
    shown = bench.runpytest_inprocess("-m", "hardware", "--collect-only").stdout
    shown.fnmatch_lines(["earshot: board nano33ble, *", "*test_bench*"])


def test_bench_file_and_port_are_options(bench):
    other = bench.makefile(".toml", other='[board.shelf]\nkind = "nano33ble"\nengine = "codegen"')
    bench.makepyfile("def test_it(pytestconfig, board):\n    raise AssertionError(board._entry)")
    result = bench.runpytest_inprocess(
        "-m", "hardware", "--earshot-bench", other, "--earshot-port", "socket://desk:4000"
    )
    result.stdout.fnmatch_lines(["*port='socket://desk:4000'*name='shelf'*"])


def test_controller_chooses_the_board_which_one_worker_of_xdist_has(bench):
    """A worker could search for a board while another one's upload has it off the bus."""
    bench.stand_in.steps("board list", {"stdout": {"detected_ports": [usb_port("/dev/a")]}}, {"status": 1})
    bench.stand_in.steps("lib list", {"stdout": {}})
    bench.makepyfile(
        """
        import os, pytest

        @pytest.mark.parametrize("number", range(6))
        def test_bench(board, number):
            with open("workers", "a") as stream:
                print(board._entry.serial_number, os.environ["PYTEST_XDIST_WORKER"], file=stream)
        """
    )
    bench.runpytest_subprocess("-m", "hardware", "-n2", "--dist", "loadgroup").assert_outcomes(passed=6)
    users = (bench.path / "workers").read_text().splitlines()
    assert len(users) == 6 and len(set(users)) == 1 and users[0].startswith(f"{SERIAL_NUMBER} gw")


def test_stopped_session_releases_the_board(desk):
    desk.makepyfile(
        """
        import os, signal, time

        def test_it(board):
            before = board.close
            board.close = lambda: (open("closed", "w").close(), before())
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
        """
    )
    assert desk.runpytest_subprocess("--earshot-board", "desk").ret == pytest.ExitCode.INTERRUPTED
    assert (desk.path / "closed").exists()


def test_fault_of_the_board_skips_the_other_bench_tests(bench):
    bench.makepyfile(
        """
        from harness.errors import ProtocolError

        def test_first(board):
            raise ProtocolError("the board said nothing", where="port", remedy="Reset it.")

        def test_second(board):
            pass

        def test_plain():
            pass
        """
    )
    result = bench.runpytest_inprocess("-rs")
    result.assert_outcomes(failed=1, skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*the board broke before: protocol: the board said nothing*"])


def test_gpu_test_is_skipped_without_a_cuda_device(bench, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    bench.makepyfile("import pytest\n@pytest.mark.gpu\ndef test_gpu(board):\n    raise AssertionError")
    bench.runpytest_inprocess().assert_outcomes(skipped=1)


OTHER_PROJECT = """
import pytest

@pytest.mark.{mark}
def test_it(pytestconfig):
    options = pytestconfig.getoption
    assert (options("--board"), options("--port"), options("--output")) == ("a", "b", "c")
"""
OTHER_OPTIONS = """
def pytest_addoption(parser):
    for name in {names}:
        parser.addoption(name, default="default")
"""


@pytest.fixture
def other_project(pytester, monkeypatch):
    """A project of somebody else, whose options, marks and bench file have nothing to do with Earshot."""
    pytester.makepyfile(other_plugin=OTHER_OPTIONS.format(names=["--port", "--slow-only", "--browser"]))
    pytester.makeconftest(OTHER_OPTIONS.format(names=["--board", "--output", "--variants", "--engine"]))
    monkeypatch.setenv(VARIABLE, "/nowhere/bench.toml")
    pytester.syspathinsert()
    return pytester


@pytest.mark.parametrize("mark", ["hardware", "gpu", "slow"])
@pytest.mark.parametrize("last", [False, True])
def test_another_project_keeps_its_options_and_runs_all_its_tests(other_project, monkeypatch, mark, last):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    other_project.makepyfile(OTHER_PROJECT.format(mark=mark))
    plugins = ["-p", "harness.plugin", "-p", "other_plugin"]
    if last:
        plugins = ["-p", "other_plugin", "-p", "harness.plugin"]
    options = ("--board=a", "--port=b", "--output=c", "-m", mark)
    result = other_project.runpytest_inprocess(*plugins, *options)
    result.assert_outcomes(passed=1)
    assert "earshot: board" not in result.stdout.str()


def test_another_project_runs_on_workers_of_xdist(other_project):
    other_project.makepyfile(OTHER_PROJECT.format(mark="hardware"))
    options = ("--board=a", "--port=b", "--output=c", "-m", "hardware", "-n1", "-p", "other_plugin")
    other_project.runpytest_subprocess(*options).assert_outcomes(passed=1)


def test_short_forms_in_the_checkout_leave_those_of_another_plugin(bench):
    bench.makeconftest((Path(__file__).parents[2] / "conftest.py").read_text())
    bench.makepyfile(other_plugin=OTHER_OPTIONS.format(names=["--port"]))
    bench.makepyfile(
        """
        def test_it(pytestconfig):
            options = pytestconfig.getoption
            assert (options("--port"), options("--earshot-port")) == ("theirs", "ours")
            assert options("--board") == options("--earshot-board") == "desk"
        """
    )
    bench.syspathinsert()
    options = ("--board", "desk", "--port", "theirs", "--earshot-port", "ours")
    bench.runpytest_inprocess("-p", "other_plugin", *options).assert_outcomes(passed=1)


@pytest.mark.slow
def test_bench_tests_run_beside_other_plugins(bench):
    for name in ("embedded", "benchmark", "rerunfailures", "timeout", "randomly"):
        pytest.importorskip(f"pytest_{name}", reason=f"pytest-{name} is not installed")
    bench.makepyfile(TESTS)
    theirs = ("--port=x", "--reruns=1", "--timeout=60", "--benchmark-disable", "-n1")
    result = bench.runpytest_subprocess(*theirs, "--earshot-variants=tinyconv-int8", "--earshot-port=")
    result.assert_outcomes(passed=2)

"""The plugin as a user of pytest meets it: options, markers, selection, what a broken board does to a run.

Each run is a process of its own: numpy cannot be loaded twice into one.
"""

from __future__ import annotations

import pytest
import torch  # here: pytester forgets what a test imports, and torch bears no second import
from stand_in_cli import SERIAL_NUMBER, StandInCli, usb_port

from harness.arduino_cli.cli import COMMAND_VARIABLE
from harness.bench_file import VARIABLE
from harness.plugin import MARKERS

pytest_plugins = ["pytester"]

BENCH_TEST = """
def test_bench(board, model):
    pass

def test_plain():
    pass
"""


HARDWARE_TEST = """
import pytest

@pytest.mark.hardware
def test_desk():
    pass

@pytest.mark.slow
def test_plain():
    pass
"""


@pytest.fixture
def bench(pytester, monkeypatch):
    """A folder of tests, a bench file with nothing in it, and a host that nothing is attached to."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    stand_in = StandInCli(pytester.path / "bin")
    monkeypatch.setenv(COMMAND_VARIABLE, str(stand_in.command))
    monkeypatch.setenv(VARIABLE, str(pytester.makefile(".toml", bench="")))
    pytester.stand_in = stand_in
    return pytester


@pytest.fixture
def desk(bench):
    """The same with a board in the bench file, of a kind that needs nothing to be opened."""
    boards = bench.mkdir("boards")
    (boards / "toaster.py").write_text(
        "from harness.boards.emulated import EmulatedBoard\n"
        "class Toaster(EmulatedBoard):\n"
        "    name, marker = 'toaster', 'hardware'\n"
    )
    bench.makeconftest(
        "import harness.boards\n"
        f"harness.boards.__path__.append({str(boards)!r})\n"
        "pytest_plugins = ['harness.plugin']\n"
    )
    bench.makefile(".toml", bench='[board.desk]\nkind = "toaster"')
    return bench


def test_every_marker_is_declared(bench):
    shown = bench.runpytest_subprocess("--markers").stdout.str()
    assert all(f"@pytest.mark.{name}:" in shown for name in MARKERS)


def test_the_header_says_what_the_bench_tests_are_about(bench):
    bench.makepyfile(BENCH_TEST)
    bench.runpytest_subprocess("--collect-only", "--variants", "tinyconv-int8").stdout.fnmatch_lines(
        ["earshot: board emulated, engine codegen, variants tinyconv-int8, dataset synthetic"]
    )


def test_a_bench_test_runs_once_for_each_selected_variant(bench):
    bench.makepyfile(BENCH_TEST)
    collected = bench.runpytest_subprocess("--collect-only", "-q", "--variants", "tinyconv-*").stdout.str()
    assert "test_bench[tinyconv-float32]" in collected
    assert "test_bench[tinyconv-int8]" in collected


def test_the_mark_of_the_board_selects_the_bench_tests(bench):
    bench.makepyfile(BENCH_TEST)
    collected = bench.runpytest_subprocess("--collect-only", "-q", "-m", "emulated").stdout.str()
    assert "test_bench[" in collected
    assert "test_plain" not in collected


@pytest.mark.parametrize("fixture", ["board", "firmware", "link", "session"])
def test_a_test_of_what_is_measured_on_the_board_is_one_of_the_board(bench, fixture):
    bench.makepyfile(f"def test_it({fixture}):\n    pass")
    collected = bench.runpytest_subprocess("--collect-only", "-q", "-m", "emulated").stdout.str()
    assert "test_it" in collected


def test_hardware_is_deselected_unless_there_is_a_board_for_it(bench):
    bench.makepyfile(HARDWARE_TEST)
    bench.runpytest_subprocess().assert_outcomes(passed=1, deselected=1)


@pytest.mark.parametrize("expression", ["slow", "not gpu"])
def test_hardware_is_deselected_where_another_mark_is_asked_for(bench, expression):
    bench.makepyfile(HARDWARE_TEST)
    bench.runpytest_subprocess("-m", expression).assert_outcomes(passed=1, deselected=1)


@pytest.mark.parametrize("options", [("hardware",), ("hardware or slow",), ("hardware", "-n2")])
def test_hardware_that_is_asked_for_and_not_there_fails_the_run(bench, options):
    bench.makepyfile(HARDWARE_TEST)
    result = bench.runpytest_subprocess("-m", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no board is there to be tested" in result.stderr.str()
    assert "passed" not in result.stdout.str()


def test_hardware_without_arduino_cli_fails_the_run_with_that_reason(bench, monkeypatch):
    monkeypatch.setenv(COMMAND_VARIABLE, "/nowhere/arduino-cli")
    bench.makepyfile(HARDWARE_TEST)
    result = bench.runpytest_subprocess("-m", "hardware")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "arduino-cli" in result.stderr.str()


def test_a_hardware_run_that_tests_nothing_is_red(desk):
    desk.makepyfile("def test_plain():\n    pass")
    assert desk.runpytest_subprocess("-m", "hardware").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_hardware_on_a_board_that_is_none_fails_the_run(bench):
    bench.makepyfile(BENCH_TEST)
    result = bench.runpytest_subprocess("-m", "hardware or emulated", "--board", "emulated")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'emulated' is none" in result.stderr.str()


def test_the_only_board_of_the_bench_file_is_taken_for_hardware(desk):
    desk.makepyfile(BENCH_TEST)
    result = desk.runpytest_subprocess(
        "-m", "hardware", "--variants", "tinyconv-int8", "--collect-only", "-q"
    )
    assert "test_bench[tinyconv-int8]" in result.stdout.str()
    assert "test_plain" not in result.stdout.str()


def test_without_m_hardware_the_bench_tests_are_about_the_emulated_board(desk):
    desk.makepyfile(BENCH_TEST)
    desk.runpytest_subprocess("--collect-only").stdout.fnmatch_lines(
        ["earshot: board emulated, engine codegen,*"]
    )


def test_a_board_that_is_named_is_there_for_hardware(desk):
    desk.makepyfile(HARDWARE_TEST)
    result = desk.runpytest_subprocess("--board", "desk")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["earshot: board desk (toaster), engine codegen,*"])


def test_an_attached_board_is_taken_for_hardware(bench):
    bench.stand_in.lists([usb_port("/dev/ttyACM7")])
    bench.makepyfile(BENCH_TEST)
    shown = bench.runpytest_subprocess("-m", "hardware", "--collect-only").stdout
    shown.fnmatch_lines(["earshot: board nano33ble, *", "*test_bench*"])


def test_a_given_bench_file_and_port_choose(bench):
    other = bench.makefile(".toml", other='[board.shelf]\nkind = "nano33ble"\nengine = "codegen"')
    bench.makepyfile("def test_it(pytestconfig, board):\n    raise AssertionError(board._entry)")
    result = bench.runpytest_subprocess("-m", "hardware", "--bench", other, "--port", "socket://desk:4000")
    result.stdout.fnmatch_lines(["*port='socket://desk:4000'*name='shelf'*"])


def test_a_broken_bench_file_is_a_usage_error_with_its_line(bench):
    other = bench.makefile(".toml", other="[board.shelf]\nkind = 7")
    result = bench.runpytest_subprocess("--bench", other)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "line 2, board.shelf.kind" in result.stderr.str()


def test_one_worker_of_xdist_has_the_board(desk):
    desk.makepyfile(
        """
        import os, pytest

        @pytest.mark.parametrize("number", range(6))
        def test_bench(board, number):
            with open("workers", "a") as stream:
                print(board.name, os.environ["PYTEST_XDIST_WORKER"], file=stream)

        @pytest.mark.parametrize("number", range(6))
        def test_plain(number):
            pass
        """
    )
    desk.runpytest_subprocess("--board", "desk", "-n2", "--dist", "loadgroup").assert_outcomes(passed=12)
    users = (desk.path / "workers").read_text().splitlines()
    assert len(users) == 6 and len(set(users)) == 1 and users[0].startswith("toaster gw")


def test_workers_of_xdist_are_told_which_board_is_meant(bench):
    """The controller looks once: a worker could look while another one's upload has it off the bus."""
    bench.stand_in.steps("board list", {"stdout": {"detected_ports": [usb_port("/dev/a")]}}, {"status": 1})
    bench.stand_in.steps("lib list", {"stdout": {}})
    bench.makepyfile("def test_it(board):\n    raise AssertionError(board._entry)")
    result = bench.runpytest_subprocess("-m", "hardware", "-n2")
    result.stdout.fnmatch_lines([f"*serial_number='{SERIAL_NUMBER}'*"])


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_told_to_stop_lets_go_of_the_board(desk, number):
    desk.makepyfile(
        f"""
        import os, signal, time

        def test_it(board):
            before = board.close
            board.close = lambda: (open("closed", "w").close(), before())
            os.kill(os.getpid(), signal.{number})
            time.sleep(30)
        """
    )
    assert desk.runpytest_subprocess("--board", "desk").ret == pytest.ExitCode.INTERRUPTED
    assert (desk.path / "closed").exists()


def test_an_unknown_variant_is_a_usage_error_that_names_those_there_are(bench):
    bench.makepyfile(BENCH_TEST)
    result = bench.runpytest_subprocess("--variants", "nothing-like-this")
    assert result.ret != 0
    assert "tinyconv-int8" in result.stdout.str() + result.stderr.str()


def test_an_unknown_board_is_a_usage_error(bench):
    assert bench.runpytest_subprocess("--board", "toaster").ret == pytest.ExitCode.USAGE_ERROR


def test_after_a_fault_of_the_board_the_other_bench_tests_skip_with_that_reason(bench):
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
    result = bench.runpytest_subprocess("-rs")
    result.assert_outcomes(failed=1, skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*the board broke before: protocol: the board said nothing*"])


def test_a_gpu_test_is_skipped_without_a_cuda_device(bench):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    bench.makepyfile("import pytest\n@pytest.mark.gpu\ndef test_gpu():\n    raise AssertionError")
    bench.runpytest_subprocess().assert_outcomes(skipped=1)

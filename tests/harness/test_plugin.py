"""The pytest plugin: options, markers, selection, and the effect of a broken board.

Each session is a process of its own: numpy cannot be loaded twice into one.
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
    """A folder of tests, an empty bench file, and a host without boards."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    stand_in = StandInCli(pytester.path / "bin")
    monkeypatch.setenv(COMMAND_VARIABLE, str(stand_in.command))
    monkeypatch.setenv(VARIABLE, str(pytester.makefile(".toml", bench="")))
    pytester.stand_in = stand_in
    return pytester


@pytest.fixture
def desk(bench):
    """The same with a board in the bench file, of a kind that needs no hardware."""
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


def test_bench_tests_carry_the_mark_of_the_board_and_run_once_per_variant(bench):
    tests = "".join(f"def test_{name}({name}):\n    pass\n" for name in ("firmware", "link", "session"))
    bench.makepyfile(BENCH_TEST + tests)
    collected = bench.runpytest_subprocess("--collect-only", "-m", "emulated", "--variants", "tinyconv-*")
    collected.stdout.fnmatch_lines(
        ["earshot: board emulated, engine codegen, variants tinyconv-?, dataset synthetic"]
    )
    shown = collected.stdout.str()
    for name in ("bench", "firmware", "link", "session"):
        assert f"test_{name}[tinyconv-float32]" in shown and f"test_{name}[tinyconv-int8]" in shown
    assert "test_plain" not in shown


@pytest.mark.parametrize("options", [(), ("-m", "slow"), ("-m", "not gpu")])
def test_hardware_is_deselected_unless_requested(bench, options):
    bench.makepyfile(HARDWARE_TEST)
    bench.runpytest_subprocess(*options).assert_outcomes(passed=1, deselected=1)


@pytest.mark.parametrize("options", [("hardware or slow",), ("hardware", "-n2")])
def test_requested_but_missing_hardware_fails_the_session(bench, options):
    bench.makepyfile(HARDWARE_TEST)
    result = bench.runpytest_subprocess("-m", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no board to test" in result.stderr.str()
    assert "passed" not in result.stdout.str()


def test_hardware_without_arduino_cli_fails_the_session_with_that_reason(bench, monkeypatch):
    monkeypatch.setenv(COMMAND_VARIABLE, "/nowhere/arduino-cli")
    bench.makepyfile(HARDWARE_TEST)
    result = bench.runpytest_subprocess("-m", "hardware")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "arduino-cli" in result.stderr.str()


def test_hardware_session_without_tests_is_red(desk):
    desk.makepyfile("def test_plain():\n    pass")
    assert desk.runpytest_subprocess("-m", "hardware").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_hardware_on_the_emulated_board_fails_the_session(bench):
    bench.makepyfile(BENCH_TEST)
    result = bench.runpytest_subprocess("-m", "hardware or emulated", "--board", "emulated")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'emulated' is not hardware" in result.stderr.str()


def test_hardware_takes_the_only_board_of_the_bench_file(desk):
    desk.makepyfile(BENCH_TEST)
    result = desk.runpytest_subprocess(
        "-m", "hardware", "--variants", "tinyconv-int8", "--collect-only", "-q"
    )
    assert "test_bench[tinyconv-int8]" in result.stdout.str()
    assert "test_plain" not in result.stdout.str()


def test_default_board_is_the_emulated_one(desk):
    desk.makepyfile(BENCH_TEST)
    desk.runpytest_subprocess("--collect-only").stdout.fnmatch_lines(
        ["earshot: board emulated, engine codegen,*"]
    )


def test_named_board_runs_hardware_tests(desk):
    desk.makepyfile(HARDWARE_TEST)
    result = desk.runpytest_subprocess("--board", "desk")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["earshot: board desk (toaster), engine codegen,*"])


def test_hardware_takes_an_attached_board(bench):
    bench.stand_in.lists([usb_port("/dev/ttyACM7")])
    bench.makepyfile(BENCH_TEST)
    shown = bench.runpytest_subprocess("-m", "hardware", "--collect-only").stdout
    shown.fnmatch_lines(["earshot: board nano33ble, *", "*test_bench*"])


def test_bench_file_and_port_are_options(bench):
    other = bench.makefile(".toml", other='[board.shelf]\nkind = "nano33ble"\nengine = "codegen"')
    bench.makepyfile("def test_it(pytestconfig, board):\n    raise AssertionError(board._entry)")
    result = bench.runpytest_subprocess("-m", "hardware", "--bench", other, "--port", "socket://desk:4000")
    result.stdout.fnmatch_lines(["*port='socket://desk:4000'*name='shelf'*"])


def test_invalid_bench_file_is_a_usage_error_with_its_line(bench):
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


def test_controller_chooses_the_board_for_all_workers(bench):
    """A worker could search while another one's upload has the board off the bus."""
    bench.stand_in.steps("board list", {"stdout": {"detected_ports": [usb_port("/dev/a")]}}, {"status": 1})
    bench.stand_in.steps("lib list", {"stdout": {}})
    bench.makepyfile("def test_it(board):\n    raise AssertionError(board._entry)")
    result = bench.runpytest_subprocess("-m", "hardware", "-n2")
    result.stdout.fnmatch_lines([f"*serial_number='{SERIAL_NUMBER}'*"])


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_stopped_session_releases_the_board(desk, number):
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


def test_unknown_variant_is_a_usage_error_that_names_the_known_ones(bench):
    bench.makepyfile(BENCH_TEST)
    result = bench.runpytest_subprocess("--variants", "nothing-like-this")
    assert result.ret != 0
    assert "tinyconv-int8" in result.stdout.str() + result.stderr.str()


def test_unknown_board_is_a_usage_error(bench):
    assert bench.runpytest_subprocess("--board", "toaster").ret == pytest.ExitCode.USAGE_ERROR


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
    result = bench.runpytest_subprocess("-rs")
    result.assert_outcomes(failed=1, skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*the board broke before: protocol: the board said nothing*"])


def test_gpu_test_is_skipped_without_a_cuda_device(bench):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    bench.makepyfile("import pytest\n@pytest.mark.gpu\ndef test_gpu():\n    raise AssertionError")
    bench.runpytest_subprocess().assert_outcomes(skipped=1)

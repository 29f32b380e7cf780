"""The plugin as a user of pytest meets it: options, markers, selection, what a broken board does to a run.

Each run is a process of its own: numpy cannot be loaded twice into one.
"""

from __future__ import annotations

import pytest

from harness.plugin import MARKERS

pytest_plugins = ["pytester"]

BENCH_TEST = """
def test_bench(board, model):
    pass

def test_plain():
    pass
"""


@pytest.fixture
def bench(pytester):
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    return pytester


def test_every_marker_is_declared(bench):
    shown = bench.runpytest_subprocess("--markers").stdout.str()
    assert all(f"@pytest.mark.{name}:" in shown for name in MARKERS)


def test_the_header_says_what_the_bench_tests_are_about(bench):
    bench.makepyfile(BENCH_TEST)
    bench.runpytest_subprocess("--collect-only", "--variants", "tinyconv-int8").stdout.fnmatch_lines(
        ["earshot: board emulated, engine static, variants tinyconv-int8, dataset synthetic"]
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


def test_a_hardware_run_that_tests_nothing_is_red(bench):
    bench.makepyfile(BENCH_TEST)
    assert bench.runpytest_subprocess("-m", "hardware").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_hardware_is_deselected_unless_asked_for(bench):
    bench.makepyfile(
        "import pytest\n@pytest.mark.hardware\ndef test_desk():\n    pass\ndef test_plain():\n    pass"
    )
    bench.runpytest_subprocess().assert_outcomes(passed=1, deselected=1)
    bench.runpytest_subprocess("-m", "hardware").assert_outcomes(passed=1, deselected=1)


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
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    bench.makepyfile("import pytest\n@pytest.mark.gpu\ndef test_gpu():\n    raise AssertionError")
    bench.runpytest_subprocess().assert_outcomes(skipped=1)

"""A short run of the fuzzing, and its verdicts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.fuzz import Input, run_case

from harness.layout import ROOT


def complain(*lines: str, status: int = 2) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return status


@pytest.mark.parametrize(
    ("take", "wrong"),
    [
        (lambda folder: 0, ""),
        (lambda folder: complain("a note", "earshot: config: x (a.toml). Correct it."), ""),
        (
            lambda folder: complain("earshot: a", "earshot: b"),
            "status 2 with 2 lines of error, 10 characters",
        ),
        (lambda folder: complain(), "status 2 with 0 lines of error, 0 characters"),
        (lambda folder: 1 // 0, "ZeroDivisionError: integer division or modulo by zero"),
        (lambda folder: len(bytearray(8 << 30)), "MemoryError"),
        (lambda folder: os.kill(os.getpid(), signal.SIGKILL), "ended by SIGKILL"),
    ],
)
def test_a_case_succeeds_or_is_refused_in_one_line(tmp_path, take, wrong):
    assert run_case(Input("x", b"", lambda data, random: data, take), tmp_path / "case") == wrong


@pytest.mark.slow
def test_damaged_inputs_succeed_or_are_refused_in_one_line(tmp_path):
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.fuzz",
            "--cases",
            "6",
            "--seed",
            "1",
            "--output",
            tmp_path / "kept",
        ],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count(" 6 cases, 0 with a wrong outcome") == 6

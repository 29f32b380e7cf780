"""The command line: exit codes and one clear line per failure."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from harness import cli, commands
from harness.commands import train
from harness.layout import ROOT


def earshot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=120,
    )


def test_no_command_is_a_usage_error():
    assert earshot().returncode == 2


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    for command in (
        "run",
        "resume",
        "train",
        "build",
        "report",
        "variants",
        "study",
        "show",
        "boards",
        "doctor",
    ):
        assert f"\n    {command} " in shown


def test_a_command_is_one_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "toast.py").write_text(
        "SUMMARY = 'Toast.'\n"
        "def add_options(parser): parser.add_argument('--brown', type=int)\n"
        "def run(arguments): return arguments.brown\n"
    )
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "harness.commands.toast", raising=False)
    assert cli.main(["toast", "--brown", "5"]) == 5


def test_doctor_json_has_a_remedy_for_every_missing_tool(capsys):
    cli.main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    assert {"Python", "arm-none-eabi-g++", "qemu-system-arm"} <= {finding["name"] for finding in findings}
    assert all(finding["remedy"] for finding in findings if not finding["present"])


def test_doctor_without_a_tool_exits_with_4_and_names_the_package(tmp_path):
    for tool in ("gcc", "espeak-ng", "arm-none-eabi-g++"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    answer = earshot("doctor", PATH=str(tmp_path))
    assert answer.returncode == 4
    assert "apt-get install qemu-system-arm" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["train", "--variants", "nothing*"], "tinyconv-int8"),
        (["run", "--board", "toaster"], "emulated"),
        (["build", "--engine", "steam"], "codegen"),
        (["run", "--model", "some.tflite"], "--labels"),
        (["train", "--labels", "a,b"], "--model"),
        (["train", "--model", "not-there.tflite", "--labels", "a,b"], "not-there.tflite"),
        (["run", "--recordings", "not-there"], "not-there"),
        (["train", "--dataset", "not-there"], "not-there"),
        (["report", "not-there.json"], "not-there.json"),
        (["run", "--bench", "not-there.toml"], "not-there.toml"),
        (["run", "--port", "/dev/ttyACM0"], "--port"),
        (["resume", "not-there"], "not-there"),
    ],
)
def test_wrong_argument_exits_with_2_and_one_line(arguments, names, capsys):
    assert cli.main(arguments) == 2
    told = capsys.readouterr().err
    assert names in told
    assert len(told.strip().splitlines()) == 1


def test_full_disk_exits_with_4_and_a_remedy(monkeypatch, capsys):
    def full(arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.tflite")

    monkeypatch.setattr(train, "run", full)
    assert cli.main(["train"]) == 4
    assert "the disk is full (model.tflite)" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_interrupt_exits_with_5(number):
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, signal, time, harness.cli as c, harness.commands.boards as b\n"
            f"b.run = lambda a: (os.kill(os.getpid(), signal.{number}), time.sleep(9))\n"
            "raise SystemExit(c.main(['boards']))",
        ],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    _, message = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "interrupted" in message

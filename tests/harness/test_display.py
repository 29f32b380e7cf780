"""Progress on a terminal and in a pipe."""

from __future__ import annotations

import contextlib
import math
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.display import PlainDisplay
from harness.layout import ROOT
from models import progress
from models.progress import Level, Task, sent_to

WORK = """
import sys
from harness import display
from models import progress
from models.progress import Level

with display.shown(Level(int(sys.argv[1]))):
    with progress.about("tiny"):
        with progress.task("train", 40, "epochs") as advance:
            advance(10)
            progress.log("a [line]")
            progress.warn("a problem")
            progress.detail("gcc -c x.c")
            with progress.task("inner"):
                pass
        try:
            with progress.task("convert"):
                raise ValueError
        except ValueError:
            pass
print("a result")
print("rich" in sys.modules)
"""


def run(level: int, stderr: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(level)],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
    )
    return done.stdout


def in_pipe(level: int) -> list[str]:
    read, write = os.pipe()
    try:
        assert run(level, write) == "a result\nFalse\n"
    finally:
        os.close(write)
    with os.fdopen(read) as stream:
        return re.sub(r": \d+\.\d s$", ": … s", stream.read(), flags=re.M).splitlines()


def test_a_pipe_gets_a_line_for_each_begin_and_end():
    assert in_pipe(1) == [
        "tiny: train …",
        "tiny: a [line]",
        "tiny: a problem",
        "tiny: train: … s",
        "tiny: convert …",
    ]


def test_an_ended_task_is_forgotten():
    plain = PlainDisplay(Level.NORMAL)
    with sent_to(plain.receive), progress.task("train"):
        assert len(plain._begun_s) == 1
    assert plain._begun_s == plain._reported_s == {}


def test_the_time_to_go_is_estimated_from_the_pace_since_the_first_amount(capsys, monkeypatch):
    clock = SimpleNamespace(now_s=0.0)
    monkeypatch.setattr("harness.display.time", SimpleNamespace(monotonic=lambda: clock.now_s))
    display = PlainDisplay(Level.NORMAL)
    for seconds, done in ((0.0, 0), (30.0, 1), (31.0, 2), (40.0, 11), (60.0, 31)):
        clock.now_s = seconds
        display.receive(Task((1, 1), "listen", done, 101, "words"))
    assert capsys.readouterr().err.splitlines() == [
        "listen …",
        "listen: 1 of 101 words",
        "listen: 11 of 101 words, 1 min 30 s to go",
        "listen: 31 of 101 words, 1 min 10 s to go",
    ]
    assert display.to_go(Task((1, 2), "short", 1, 9)) == display.to_go(Task((1, 2), "short", 2, 9)) == ""


def test_items_are_counted_when_they_are_done():
    done = []
    with sent_to(lambda task: done.append((task.done, task.total, task.unit))), progress.task("classify"):
        progress._reporter.running[-1]._reported_s = -math.inf
        items = progress.each("ab", "clips")
        assert [next(items), done[-1], next(items)] == ["a", (0, 2, "clips"), "b"]
        assert [*items] == [] and done[-1][0] == 1
    assert done[-1][0] == 2


@pytest.mark.parametrize("ended", [False, True])
def test_a_task_whose_receiver_fails_does_not_stay_open(ended):
    def fail(task: Task) -> None:
        if task.ended == ended:
            raise KeyboardInterrupt

    with sent_to(fail), pytest.raises(KeyboardInterrupt), progress.task("train"):
        pass
    assert progress._reporter.running == []


def test_a_task_shows_the_amount_of_an_inner_one_of_the_same_unit(monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL_S", 0.0)
    done = []

    def receive(task: Task) -> None:
        if task.name == "listen":
            done.append(task.done)

    with sent_to(receive), progress.task("listen", 60, "s of audio") as advance:
        for word in ("first", "second"):
            with progress.task(word):
                heard = progress.count(32, "s of audio")
                heard(10)
                heard(22)
            with progress.task("score"):
                progress.count(5, "words")(1)
            advance(30)
    assert done == [0, 10, 32, 30, 40, 60, 60, 60]


def test_a_task_shows_the_amounts_of_its_tasks_in_other_processes_once(monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL_S", 0.0)
    done = []

    def receive(task: Task) -> None:
        if task.name == "listen" and not task.ended:
            done.append(task.done)

    with sent_to(receive), progress.task("listen", 90, "s of audio") as advance:
        listen = progress.innermost()
        first, second, other = (
            Task((1, number), "play", unit=unit, within=listen)
            for number, unit in ((1, "s of audio"), (2, "s of audio"), (3, "words"))
        )
        for task, amount in ((second, 20), (first, 10), (other, 5), (second, 30), (first, 30)):
            progress.send(replace(task, done=amount))
        progress.send(Task((1, 4), "play", 30, unit="s of audio", within=(0, 0)))  # of another task
        progress.send(replace(first, done=30, ended=True))
        for _ in range(3):  # the last one was played by no other process
            advance(30)
        progress.send(Task((1, 5), "play", 30, unit="s of audio", ended=True, failed=True, within=listen))
    progress.send(replace(second, done=30))
    assert done == [0, 20, 30, 40, 60, 60, 60, 60, 90, 90]


def test_quiet_shows_problems_only_and_verbose_shows_commands_and_inner_tasks():
    assert in_pipe(0) == ["tiny: a problem"]
    assert {"tiny: gcc -c x.c", "tiny: inner …", "tiny: inner: … s"} < set(in_pipe(2))


@pytest.mark.parametrize("level", [0, 1])
def test_a_terminal_gets_bars_that_vanish(level):
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        try:
            result = run(level, slave)
        finally:
            os.close(slave)
        seen = b""
        with contextlib.suppress(OSError):  # EIO: all is read, and no process has the terminal open
            while data := terminal.read(65536):
                seen += data
    text = seen.decode()
    assert result == f"a result\n{bool(level)}\n"
    assert "tiny: a problem\r\n" in text
    assert ("tiny: a [line]\r\n" in text) == ("10 of 40 epochs" in text) == bool(level)
    assert "\x1b[?25h" in text if level else "\x1b" not in text  # the cursor is shown again


def test_a_problem_of_all_processes_is_shown_once(capsys):
    display = PlainDisplay(Level.QUIET)
    with sent_to(display.receive):
        for name in ("a", "b"):
            with progress.about(name):
                progress.warn_once("the bucket is gone")
                progress.warn("a problem")
    assert capsys.readouterr().err == "the bucket is gone\na: a problem\nb: a problem\n"

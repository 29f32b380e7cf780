"""A night that is killed or told to stop, in a process of its own, and what becomes of it when it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_models import classifier
from started import Start, started

from harness.link.deadline import Deadline
from harness.records.reading import read_record
from harness.runs.journal import PARTIAL, RECORD
from harness.runs.nightly.block_file import FILE

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path) -> Iterator[Start]:
    """Starts `earshot` in tmp_path, with a store of its own."""
    with started(tmp_path) as python:
        yield lambda *arguments: python("-m", "harness.cli", *arguments)


@pytest.fixture
def night(tmp_path) -> list[str]:
    """A night of many short blocks."""
    classifier(tmp_path / "small.tflite")
    model = ["--model", "small.tflite", "--labels", "silence,unknown,yes,no"]
    return [
        "nightly",
        *model,
        "--rounds",
        "12",
        "--samples",
        "5",
        "--output",
        "nights",
        "--baselines",
        "base",
    ]


def blocks_of(process: subprocess.Popen[str], nights: Path, blocks: int) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of a night and its blocks, once it has so many."""
    deadline = Deadline(120)
    while process.poll() is None and not deadline.expired:
        for file in nights.glob(f"*/*/{FILE}"):
            if file.read_bytes().count(b"\n") >= blocks:
                return file.parent, lines_of(file)
        time.sleep(0.01)
    raise AssertionError(f"no {blocks} blocks; the night said: {process.communicate()[0]}")


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def blocks_in(record: Path) -> list[dict[str, Any]]:
    return json.loads(record.read_text())["blocks"]


def test_a_night_that_is_killed_twice_keeps_every_block_that_it_had(start, night, tmp_path):
    killed = start(*night)
    folder, _ = blocks_of(killed, tmp_path / "nights", 4)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    first = lines_of(folder / FILE)
    assert 4 <= len(first) < 14
    with (folder / FILE).open("ab") as file:
        file.write(b'{"subject": "small", "phase": "ro')  # as if the kill had struck while a line was written

    again = start("resume", folder)
    blocks_of(again, tmp_path / "nights", len(first) + 2)
    again.send_signal(signal.SIGKILL)
    again.wait()
    second = lines_of(folder / FILE)
    assert second[: len(first)] == first

    said, _ = (last := start("resume", folder)).communicate(timeout=120)
    assert last.returncode == 0, said
    blocks = blocks_in(folder / RECORD)
    assert blocks[: len(second)] == second
    assert [block["round"] for block in blocks] == [0, *range(1, 13), 0]
    assert said.count("measured before this run was interrupted") == len(second) + 1  # and the variant's row
    record = read_record(folder / RECORD)
    assert (record.run["kind"], record.run["length_s"]) == ("nightly", "")
    assert record.verdict.status == "new"
    assert not (folder / FILE).exists() and not (folder / PARTIAL).exists()


def test_a_night_that_is_told_to_stop_says_how_to_go_on(start, night, tmp_path):
    stopped = start(*night)
    folder, _ = blocks_of(stopped, tmp_path / "nights", 3)
    stopped.send_signal(signal.SIGTERM)
    said, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 5, said
    assert "earshot resume" in said
    before = lines_of(folder / FILE)
    said, _ = (again := start("resume", folder)).communicate(timeout=120)
    assert again.returncode == 0, said
    assert blocks_in(folder / RECORD)[: len(before)] == before


def test_an_a_a_night_goes_on_where_it_was_killed_and_builds_nothing(start, night, tmp_path):
    said, _ = (first := start(*night)).communicate(timeout=120)
    assert first.returncode == 0, said
    same = [
        "nightly",
        "--a-a",
        "--rounds",
        "12",
        "--samples",
        "5",
        "--output",
        "nights",
        "--baselines",
        "base",
    ]
    killed = start(*same)
    folder, _ = blocks_of(killed, tmp_path / "nights", 4)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = lines_of(folder / FILE)
    said, _ = (again := start("resume", folder)).communicate(timeout=120)
    assert again.returncode == 0, said
    assert "building" not in said
    blocks = blocks_in(folder / RECORD)
    assert blocks[: len(before)] == before
    assert read_record(folder / RECORD).run["kind"] == "a-a"
    (night_record,) = (file for file in (tmp_path / "nights").rglob(RECORD) if file.parent != folder)
    assert {block["image_sha256"] for block in blocks} == {
        block["image_sha256"] for block in blocks_in(night_record)
    }

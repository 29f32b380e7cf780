"""Runs in processes of their own that are killed or stopped, and their continuation."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from small_models import classifier
from started import started, wait_until

from harness.layout import PARTIAL, RECORD
from harness.records.reading import read_record
from harness.runs.folder import FIELD
from harness.runs.nightly.blocks import BLOCKS_FILE
from models.data.wav import write_wav

pytestmark = pytest.mark.slow

MODEL = ("--model", "small.tflite", "--labels", "silence,unknown,yes,no")
TWO_MODELS = """
import sys
from pathlib import Path
from emulated_runs import Models
from harness import layout
from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.runs.folder import RUN, begin, resume
from harness.runs.request import Setup
from harness.runs.run import Run
from models.store import Store

board = EmulatedBoard()
models = Models(Path("a.tflite"), Path("b.tflite"), store=Store(layout.store_root()))
setup = Setup(models, board, get_engine("codegen"), recordings=Path("words"))
if sys.argv[1:]:
    folder = resume(RUN, Path(sys.argv[1]), board.describe())
else:
    folder = begin(RUN, Path("nights"), board.describe(), {"kind": "run"})
Run(setup, folder, print).run()
"""


@pytest.fixture
def start(tmp_path):
    """Starts Python in tmp_path, with a store of its own and a folder of words."""
    (tmp_path / "words").mkdir()
    noise = np.random.default_rng(0).integers(-9, 9, 16_000).astype(np.int16)
    write_wav(tmp_path / "words" / "yes_1.wav", noise)
    with started(tmp_path) as start:
        yield start


@pytest.fixture
def earshot(start, tmp_path):
    classifier(tmp_path / "small.tflite")
    return lambda *arguments: start("-m", "harness.cli", *arguments)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def output_of(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def folder_with_rows(process, output: Path, rows: int) -> Path:
    def find() -> Path | None:
        for file in output.glob(f"*/*/{PARTIAL}"):
            if len(json.loads(file.read_text())["variants"]) >= rows:
                return file.parent
        return None

    return wait_until(process, find)


def folder_with_blocks(process, output: Path, blocks: int) -> Path:
    def find() -> Path | None:
        for file in output.glob(f"*/*/{BLOCKS_FILE}"):
            if file.read_bytes().count(b"\n") >= blocks:
                return file.parent
        return None

    return wait_until(process, find)


def lines_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def blocks_in(record: Path) -> list[dict]:
    return json.loads(record.read_text())["blocks"]


def test_killed_run_continues_with_the_same_id_and_rows(start, tmp_path):
    classifier(tmp_path / "a.tflite", 40)
    classifier(tmp_path / "b.tflite", 41)
    killed = start("-c", TWO_MODELS)
    folder = folder_with_rows(killed, tmp_path / "nights", 1)
    kill(killed)
    then = read_record(folder / PARTIAL)

    output = output_of(start("-c", TWO_MODELS, folder))
    now = read_record(folder / RECORD)
    assert now.run["id"] == then.run["id"]
    assert [row.id for row in now.variants] == ["a", "b"]
    assert now.variants[0] == then.variants[0]
    assert "a: measured before" in output and "b: measuring" in output
    assert not now.variants[1].faults


def test_stopped_run_is_resumed_from_another_folder_without_options(start, earshot, tmp_path):
    stopped = earshot("run", *MODEL, "--recordings", "words", "--output", "nights")
    folder = folder_with_rows(stopped, tmp_path / "nights", 0)
    stopped.send_signal(signal.SIGTERM)
    output, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 5, output
    assert "earshot resume" in output

    (tmp_path / "elsewhere").mkdir()
    code = (
        "import os; os.chdir('elsewhere'); from harness.cli import main\n"
        f"raise SystemExit(main(['resume', {str(folder)!r}]))"
    )
    output_of(start("-c", code))
    record = read_record(folder / RECORD)
    assert [row.id for row in record.variants] == ["small"]
    assert record.run["resumed"]
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []


def test_night_killed_twice_keeps_every_block(earshot, tmp_path):
    options = ("--rounds", "12", "--samples", "5", "--output", "nights", "--baselines", "base")
    killed = earshot("nightly", *MODEL, *options)
    folder = folder_with_blocks(killed, tmp_path / "nights", 4)
    kill(killed)
    first = lines_of(folder / BLOCKS_FILE)
    assert 4 <= len(first) < 14
    with (folder / BLOCKS_FILE).open("ab") as file:
        file.write(b'{"subject": "small", "phase": "ro')  # as if killed while writing a line

    again = earshot("resume", folder)
    folder_with_blocks(again, tmp_path / "nights", len(first) + 2)
    kill(again)
    second = lines_of(folder / BLOCKS_FILE)
    assert second[: len(first)] == first

    output = output_of(earshot("resume", folder))
    blocks = blocks_in(folder / RECORD)
    assert blocks[: len(second)] == second
    assert [block["round"] for block in blocks] == [0, *range(1, 13), 0]
    assert output.count("measured before this run was interrupted") == len(second) + 1  # and the row
    record = read_record(folder / RECORD)
    assert (record.run["kind"], record.run["length_s"]) == ("nightly", "")
    assert record.verdict.status == "new"
    assert not (folder / BLOCKS_FILE).exists() and not (folder / PARTIAL).exists()

    killed = earshot("nightly", "--a-a", *options)  # the same images again
    same = folder_with_blocks(killed, tmp_path / "nights", 4)
    kill(killed)
    before = lines_of(same / BLOCKS_FILE)
    assert "building" not in output_of(earshot("resume", same))
    repeated = blocks_in(same / RECORD)
    assert repeated[: len(before)] == before
    assert read_record(same / RECORD).run["kind"] == "a-a"
    assert {block["image_sha256"] for block in repeated} == {block["image_sha256"] for block in blocks}


def test_killed_field_run_continues_with_its_complete_segments(earshot, tmp_path):
    classifier(tmp_path / "small.tflite", 1960)
    begin = ("field", *MODEL, "--recordings", "words", "--repeat", "8", "--snr", "20,10,0")
    write_wav(tmp_path / "words" / "yes_1.wav", _tone())
    killed = earshot(*begin, "--output", "field")
    output = tmp_path / "field"

    def find() -> Path | None:
        return next(output.glob("emulated/*/transcripts/small/segment-0001.json"), None)

    facts = wait_until(killed, find)
    kill(killed)
    folder, before = facts.parents[2], facts.with_suffix(".log").read_bytes()
    assert not (facts.parent / "segment-0003.json").exists()

    assert re.search("segment 1 of 3, .* played before", output_of(earshot("resume", folder)))
    assert facts.with_suffix(".log").read_bytes() == before
    record = FIELD.read(folder / FIELD.name)
    assert record.run["ended"] and all(segment.complete for segment in record.variants[0].segments)

    output_of(earshot(*begin, "--output", "again"))  # all of it from the store
    other = FIELD.read(FIELD.latest(tmp_path / "again"))
    assert other.variants[0].stimuli == record.variants[0].stimuli


def _tone() -> np.ndarray:
    times_s = np.arange(16_000) / 16_000
    return (5000 * np.sin(2 * np.pi * 440 * times_s) * (times_s > 0.3) * (times_s < 0.8)).astype(np.int16)

"""Runs in processes of their own that are killed or stopped, and their continuation."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from emulated_runs import Models
from small_models import classifier
from started import started, wait_until

from harness import cli
from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.layout import PARTIAL, RECORD, store_root
from harness.records.reading import read_record
from harness.runs.folder import FIELD, RUN, begin, resume
from harness.runs.nightly.blocks import BLOCKS_FILE
from harness.runs.request import Setup
from harness.runs.run import Run
from models.data.wav import write_wav
from models.store import Store

pytestmark = pytest.mark.slow

MODEL = ("--model", "small.tflite", "--labels", "silence,unknown,yes,no")


def run_two_models(folder: Path, interrupted: Path | None = None) -> list[str]:
    """Measure a.tflite and b.tflite of a folder; return the log."""
    board, lines = EmulatedBoard(), []
    models = Models(folder / "a.tflite", folder / "b.tflite", store=Store(store_root()))
    setup = Setup(models, board, get_engine("codegen"), recordings=folder / "words")
    if interrupted:
        run_folder = resume(RUN, interrupted, board.describe())
    else:
        run_folder = begin(RUN, folder / "nights", board.describe(), {"kind": "run"})
    Run(setup, run_folder, lines.append).run()
    return lines


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts Python in tmp_path, with a store of its own and a folder of words."""
    (tmp_path / "words").mkdir()
    noise = np.random.default_rng(0).integers(-9, 9, 16_000).astype(np.int16)
    write_wav(tmp_path / "words" / "yes_1.wav", noise)
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with started(tmp_path) as start:
        yield start


@pytest.fixture
def earshot(start, tmp_path):
    classifier(tmp_path / "small.tflite")
    return lambda *arguments: start("-m", "harness.cli", *arguments)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


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


def test_killed_run_continues_with_the_same_id_and_rows(start, tmp_path):
    classifier(tmp_path / "a.tflite", 40)
    classifier(tmp_path / "b.tflite", 41)
    code = f"import sys; sys.path.append({str(Path(__file__).parent)!r})\nimport test_resume\n"
    killed = start("-c", f"{code}test_resume.run_two_models(test_resume.Path())")
    folder = folder_with_rows(killed, tmp_path / "nights", 1)
    kill(killed)
    then = read_record(folder / PARTIAL)

    lines = run_two_models(tmp_path, folder)
    now = read_record(folder / RECORD)
    assert now.run["id"] == then.run["id"]
    assert [row.id for row in now.variants] == ["a", "b"]
    assert now.variants[0] == then.variants[0]
    assert any("a: measured before" in line for line in lines)
    assert any("b: measuring" in line for line in lines)
    assert not now.variants[1].faults


def test_stopped_run_is_resumed_from_another_folder_without_options(earshot, tmp_path, monkeypatch):
    stopped = earshot("run", *MODEL, "--recordings", "words", "--output", "nights")
    folder = folder_with_rows(stopped, tmp_path / "nights", 0)
    stopped.send_signal(signal.SIGTERM)
    output, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 5, output
    assert "earshot resume" in output

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(["resume", str(folder)]) == 0
    record = read_record(folder / RECORD)
    assert [row.id for row in record.variants] == ["small"]
    assert record.run["resumed"]
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []


def test_night_killed_twice_keeps_every_block(earshot, tmp_path, capsys):
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

    assert cli.main(["resume", str(folder)]) == 0
    blocks = json.loads((folder / RECORD).read_text())["blocks"]
    assert blocks[: len(second)] == second
    assert [block["round"] for block in blocks] == [0, *range(1, 13), 0]
    measured_before = capsys.readouterr().err.count("measured before this run was interrupted")
    assert measured_before == len(second) + 1  # and the row
    record = read_record(folder / RECORD)
    assert (record.run["kind"], record.run["length_s"]) == ("nightly", "")
    assert record.verdict.status == "new"
    assert not (folder / BLOCKS_FILE).exists() and not (folder / PARTIAL).exists()


def test_killed_field_run_continues_with_its_complete_segments(start, tmp_path, capsys):
    classifier(tmp_path / "small.tflite", 1960)
    times_s = np.arange(16_000) / 16_000
    tone = 5000 * np.sin(2 * np.pi * 440 * times_s) * (times_s > 0.3) * (times_s < 0.8)
    write_wav(tmp_path / "words" / "yes_1.wav", tone.astype(np.int16))
    begin = ("field", *MODEL, "--recordings", "words", "--repeat", "8", "--snr", "20,10,0")
    killed = start("-m", "harness.cli", *begin, "--output", "field")
    output = tmp_path / "field"
    facts = wait_until(
        killed, lambda: next(output.glob("emulated/*/transcripts/small/segment-0001.json"), None)
    )
    kill(killed)
    folder, before = facts.parents[2], facts.with_suffix(".log").read_bytes()
    assert not (facts.parent / "segment-0003.json").exists()

    assert cli.main(["resume", str(folder)]) == 0
    assert re.search("segment 1 of 3, .* played before", capsys.readouterr().err)
    assert facts.with_suffix(".log").read_bytes() == before
    record = FIELD.read(folder / FIELD.name)
    assert record.run["ended"] and all(segment.complete for segment in record.variants[0].segments)

    assert cli.main([*begin, "--output", "again"]) == 0  # all of it from the store
    other = FIELD.read(FIELD.latest(tmp_path / "again"))
    assert other.variants[0].stimuli == record.variants[0].stimuli

"""Commands in processes of their own that are killed or stopped, and their continuation."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from small_models import classifier
from started import started, wait_until

from harness import cli
from harness.layout import PARTIAL, RECORD
from harness.records.reading import read_record
from models.data.wav import write_wav

pytestmark = pytest.mark.slow

MODEL = ("--model", "small.tflite", "--labels", "silence,unknown,yes,no")


@pytest.fixture
def earshot(tmp_path, monkeypatch):
    """Starts `earshot` in tmp_path with a folder of words and a new model."""
    (tmp_path / "words").mkdir()
    noise = np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16)
    write_wav(tmp_path / "words" / "yes_1.wav", noise)
    classifier(tmp_path / "small.tflite", hidden=3)
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # a commit made during a test must not prevent resuming
    monkeypatch.chdir(tmp_path)
    with started(tmp_path) as start:
        yield lambda *arguments: start("-m", "harness.cli", *arguments)


def folder_with(process: subprocess.Popen[str], output: Path, blocks: int = 0) -> Path:
    """Wait for a partial record with so many blocks; return its folder."""

    def find() -> Path | None:
        for file in output.glob(f"*/*/{PARTIAL}"):
            if len(msgspec.json.decode(file.read_bytes()).get("blocks", ())) >= blocks:
                return file.parent
        return None

    return wait_until(process, find)


def test_stopped_run_is_resumed_from_another_folder_without_options(earshot, tmp_path, monkeypatch):
    stopped = earshot("run", *MODEL, "--recordings", "words", "--output", "nights")
    folder = folder_with(stopped, tmp_path / "nights")
    stopped.send_signal(signal.SIGTERM)
    output, _ = stopped.communicate(timeout=600)
    assert stopped.returncode == 5, output
    assert "earshot resume" in output

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(["resume", str(folder)]) == 0
    record = read_record(folder / RECORD)
    assert [row.id for row in record.variants] == ["small"]
    assert record.run["resumed"]
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []


def test_killed_night_keeps_every_block(earshot, tmp_path, capsys):
    options = ("--rounds", "6", "--samples", "5", "--output", "nights", "--baselines", "base")
    killed = earshot("nightly", *MODEL, *options)
    folder = folder_with(killed, tmp_path / "nights", blocks=2)
    killed.kill()
    killed.wait()
    then = read_record(folder / PARTIAL)
    assert 2 <= len(then.blocks) < 8

    assert cli.main(["resume", str(folder)]) == 0
    now = read_record(folder / RECORD)
    assert now.run["id"] == then.run["id"]
    assert now.blocks[: len(then.blocks)] == then.blocks
    assert [block.round for block in now.blocks] == [0, *range(1, 7), 0]
    measured_before = capsys.readouterr().err.count("measured before this run was interrupted")
    assert measured_before == len(then.blocks) + 1  # and the row
    assert (now.run["kind"], now.run["length_s"], now.verdict.status) == ("nightly", "", "new")
    assert not (folder / PARTIAL).exists()

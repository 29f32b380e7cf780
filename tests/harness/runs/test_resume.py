"""A run that is killed or told to stop, in processes of its own, and what becomes of it when it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from small_models import classifier
from started import started

from harness.link.deadline import Deadline
from harness.records.reading import read_record
from harness.runs.journal import PARTIAL, RECORD
from models.data.wav import write_wav

LABELS = "silence,unknown,yes,no"

NIGHT = """
import sys
from pathlib import Path
from harness import layout
from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine
from harness.runs.night import Night
from models.store import Store
from models.pipeline import external

class Models:
    def models(self, say, failed):
        for path in sys.argv[3].split(","):
            yield external(Path(path), "silence unknown yes no".split(), Store(layout.store_root()))

interrupted = Path(sys.argv[4]) if sys.argv[4:] else None
night = Night(
    Models(), EmulatedBoard(), get_engine("codegen"), None, Path(sys.argv[1]), Path(sys.argv[2]),
    print, interrupted=interrupted,
)
night.run()
"""


@pytest.fixture
def words(tmp_path):
    folder = tmp_path / "words"
    folder.mkdir()
    write_wav(folder / "yes_1.wav", np.random.default_rng(0).integers(-9, 9, 16_000).astype(np.int16))
    return folder


@pytest.fixture
def start(tmp_path):
    """Starts Python in tmp_path, with a store of its own."""
    with started(tmp_path) as start:
        yield start


def when(process: subprocess.Popen[str], folder: Path, rows: int) -> Path:
    """The folder of a run, once its record has so many rows."""
    deadline = Deadline(120)
    while process.poll() is None and not deadline.expired:
        for file in folder.glob(f"*/*/{PARTIAL}"):
            if len(json.loads(file.read_text())["variants"]) >= rows:
                return file.parent
        time.sleep(0.02)
    raise AssertionError(f"no such record; the run said: {process.communicate()[0]}")


@pytest.mark.slow
def test_a_killed_night_goes_on_with_the_same_id_and_the_same_rows(start, words, tmp_path):
    models = ",".join(
        str(classifier(tmp_path / f"{name}.tflite", size)) for name, size in (("a", 40), ("b", 41))
    )
    arguments = ("-c", NIGHT, words, tmp_path / "nights", models)
    killed = start(*arguments)
    folder = when(killed, tmp_path / "nights", 1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    then = read_record(folder / PARTIAL)

    said, _ = start(*arguments, folder).communicate(timeout=120)
    now = read_record(folder / RECORD)
    assert now.run["id"] == then.run["id"]
    assert [row.id for row in now.variants] == ["a", "b"]
    assert now.variants[0] == then.variants[0]
    assert "a: measured before" in said and "b: measuring" in said
    assert not now.variants[1].faults


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_is_taken_up_without_any_option(start, words, tmp_path):
    classifier(tmp_path / "small.tflite")
    stopped = start(
        *("-m", "harness.cli", "run", "--model", "small.tflite", "--labels", LABELS),
        *("--recordings", "words", "--output", "nights"),
    )
    folder = when(stopped, tmp_path / "nights", 0)
    stopped.send_signal(signal.SIGTERM)
    said, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 5, said
    assert "earshot resume" in said

    (tmp_path / "elsewhere").mkdir()
    resume = start("-c", "import os; os.chdir('elsewhere')\nfrom harness.cli import main\n"
                   f"raise SystemExit(main(['resume', {str(folder)!r}]))")  # fmt: skip
    said, _ = resume.communicate(timeout=120)
    assert resume.returncode == 0, said
    record = read_record(folder / RECORD)
    assert [row.id for row in record.variants] == ["small"]
    assert record.run["resumed"]
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []

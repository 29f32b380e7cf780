"""`earshot run` on two machines that share nothing but a bucket."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from s3_server import running, use
from small_datasets import tone_dataset

from harness.layout import RECORD, RECORDINGS
from harness.records.reading import read_record
from harness.records.record import VariantRow

LOCAL = {"cycle_model"}
"""Steps whose results hold on one machine only."""


def run_on(machine: Path, dataset: Path, recordings: Path) -> tuple[VariantRow, str]:
    """Run with the store and the results of a machine; return the row and what was printed."""
    command = [sys.executable, "-m", "harness.cli", "run", "--verbose", "--variants", "tinyconv-int8"]
    command += ["--dataset", str(dataset), "--recordings", str(recordings), "--output", str(machine / "runs")]
    environment = {**os.environ, "EARSHOT_HOME": str(machine / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    (record,) = (machine / "runs").glob(f"*/2*/{RECORD}")
    (row,) = read_record(record).variants
    return row, done.stderr


def figures(row: VariantRow) -> list:
    """Return what was measured, without the times of the host."""
    names = ("model", "firmware", "stage_us", "parity", "stimuli", "false_accepts", "profile", "faults")
    return [getattr(row, name) for name in names]


@pytest.mark.slow
def test_a_second_machine_makes_the_same_run_of_what_the_first_published(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    dataset, recordings = tone_dataset(tmp_path / "data", speakers=20), tmp_path / "recordings"
    for word in ("yes", "no"):
        (recordings / word).mkdir(parents=True)
        shutil.copy(next((RECORDINGS / word).glob("*.wav")), recordings / word)
    with running() as server:
        s3 = use(server, monkeypatch)
        monkeypatch.setenv("EARSHOT_STORE", s3.url)
        first, _ = run_on(tmp_path / "a", dataset, recordings)
        published = s3.names()
        s3.requests.clear()
        second, lines = run_on(tmp_path / "b", dataset, recordings)
    assert figures(second) == figures(first) and first.faults == [] and first.stage_us
    assert {*re.findall(r"(\S+): stored in ", lines)} <= LOCAL
    assert not [request for request in s3.requests if request.startswith(("PUT", "POST"))]
    steps = {Path(name).parts[-2] for name in published}
    assert steps >= {"features", "train", "convert", "describe", "image", "session"}

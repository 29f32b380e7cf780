"""`earshot run` on two machines that share nothing but a bucket."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from s3_server import running, use
from small_datasets import tone_dataset

from harness.cli import main
from harness.layout import RECORD, RECORDINGS
from harness.records.reading import read_record
from harness.records.record import VariantRow

LOCAL = {"cycle_model"}
"""Steps whose results hold on one machine only."""


def row_of(machine: Path) -> VariantRow:
    (record,) = (machine / "runs").glob(f"*/2*/{RECORD}")
    (row,) = read_record(record).variants
    return row


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
    run = ["run", "--verbose", "--variants", "tinyconv-int8"]
    run += ["--dataset", str(dataset), "--recordings", str(recordings), "--output"]
    with running() as server:
        s3 = use(server, monkeypatch)
        monkeypatch.setenv("EARSHOT_STORE", s3.url)
        monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "a" / "home"))
        assert main([*run, str(tmp_path / "a" / "runs")]) == 0
        published = s3.names()
        s3.requests.clear()
        monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "b" / "home"))
        command = [sys.executable, "-m", "harness.cli", *run, str(tmp_path / "b" / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr
    first, second = (row_of(tmp_path / machine) for machine in "ab")
    assert figures(second) == figures(first) and first.faults == [] and first.stage_us
    assert {*re.findall(r"(\S+): stored in ", done.stderr)} <= LOCAL
    assert not [request for request in s3.requests if request.startswith(("PUT", "POST"))]
    steps = {Path(name).parts[-2] for name in published}
    assert steps >= {"features", "train", "convert", "describe", "image", "session"}

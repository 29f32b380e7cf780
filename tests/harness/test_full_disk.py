"""A full disk ends a command with one clear line and leaves no partial artifact."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from small_models import classifier

from harness.layout import ROOT


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_full_disk_is_reported_and_leaves_no_partial_artifact(small_disk, tmp_path):
    model = classifier(tmp_path / "large.tflite", elements=200, hidden=400)
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "harness.cli",
            "build",
            "--model",
            model,
            "--labels",
            "silence,unknown,yes,no",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "EARSHOT_HOME": str(small_disk)},
    )
    assert answer.returncode == 4, answer.stderr
    assert "the disk is full" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(small_disk.glob("external/*/inputs.json"))

"""The default recordings: the manifest, and the command that makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sound.recording_scan import read_recordings
from models.data import espeak
from models.data.vocabulary import LABELS
from recordings.make_recordings import FOLDER, make_recordings


def test_the_number_of_recordings_per_label():
    found = read_recordings(FOLDER, LABELS)
    count = {label: sum(recording.label == label for recording in found.recordings) for label in LABELS}
    assert count == {"silence": 3, "unknown": 10, "yes": 10, "no": 10}
    assert found.scan.notes == ()


def contents(folder: Path) -> dict[str, bytes]:
    files = [*folder.rglob("*.wav"), folder / "manifest.csv"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_command_makes_the_committed_files_again(tmp_path):
    if espeak.version() != "1.51":
        pytest.skip(f"espeak-ng {espeak.version()} does not give the samples of 1.51")
    make_recordings(tmp_path)
    assert contents(tmp_path) == contents(FOLDER)

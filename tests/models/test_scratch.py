"""Temporary folders, and those that killed processes leave."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

import pytest

from models.scratch import ScratchFolder


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _die_with_a_folder(place: Path | None = None) -> None:
    (ScratchFolder("board", place).path / "mic.pcm").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_folder_is_removed_when_it_is_closed(tmp_path):
    with ScratchFolder("stage") as folder:
        (folder / "sketch").mkdir()
        assert folder.parent == tmp_path and folder.name.startswith("earshot-stage-")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "store"])
def test_the_folder_of_a_killed_process_is_removed_by_the_next_one(tmp_path, name):
    place = tmp_path / name if name else None
    process = multiprocessing.get_context("fork").Process(target=_die_with_a_folder, args=(place,))
    process.start()
    process.join()
    assert len(list((tmp_path / name).iterdir())) == 1
    with ScratchFolder("stage", place) as folder:
        assert list((tmp_path / name).iterdir()) == [folder]


def test_folders_in_use_and_of_others_stay(tmp_path):
    others = [tmp_path / "earshot-board-old", tmp_path / "other.tmp"]
    for other in others:
        other.mkdir()
    with ScratchFolder("board") as first, ScratchFolder("board") as second:
        assert {*tmp_path.iterdir()} == {first, second, *others}


def test_a_file_system_without_locks_is_no_failure(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError("no locks")))
    with ScratchFolder("board") as first, ScratchFolder("board") as second:
        assert {*tmp_path.iterdir()} == {first, second}
    assert not Path(first).exists()

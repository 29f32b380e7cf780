"""The emulated board's transcript is a function of image and sound."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from board_text import board_text
from other_qemu import newer_qemu

from harness.boards.board import Board
from harness.boards.emulated import EmulatedBoard
from harness.firmware.firmware import Firmware


@pytest.fixture
def sound(board, bench_run, model):
    if board.describe().clock == "measured":
        pytest.skip("a real board's times vary")
    return bench_run.sounds(model.labels)[1].samples[: 20 * 16_000]


def listened(board: Board, firmware: Firmware, sound: np.ndarray, transcript: Path) -> bytes:
    """Return everything that a board sends after an upload while it listens to a sound."""
    board.upload(firmware)
    link = board.open(transcript)
    for _ in link.listen(lambda: board.listen(sound)):
        pass
    return board_text(transcript)


def test_two_runs_on_the_same_sound_give_the_same_bytes(board, firmware, sound, tmp_path):
    first, second = (listened(board, firmware, sound, tmp_path / run) for run in ("first", "second"))
    assert b"$inf," in first
    assert first == second


def test_another_qemu_gives_the_same_bytes(board, firmware, sound, tmp_path, monkeypatch):
    qemu = newer_qemu()
    installed = listened(board, firmware, sound, tmp_path / "installed")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(qemu.path).parent), os.environ["PATH"]]))
    with EmulatedBoard() as other:
        assert qemu.version in other.describe().details["emulator"]
        assert listened(other, firmware, sound, tmp_path / "other") == installed

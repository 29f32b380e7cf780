from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from harness import cli, layout
from models.store import sha256_of


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.wav"
    at_s = np.arange(22_050) / 22_050
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * at_s), 22_050)
    return path


def test_show_prints_the_path_and_logs_the_conversion(recording, tmp_path, capsys):
    assert cli.main(["show", str(recording), "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path / 'out' / 'recording.html'}\n"
    assert "resampled from 22,050 Hz" in printed.err
    page = (tmp_path / "out" / "recording.html").read_text()
    assert "<audio" in page and "data:audio/wav;base64,UklGR" in page


def test_the_default_folder_is_named_after_the_recording(recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(layout, "REPORTS", tmp_path / "reports")
    assert cli.main(["show", str(recording)]) == 0
    folder = tmp_path / "reports" / "recordings" / f"a-{sha256_of(recording)[:8]}"
    assert capsys.readouterr().out == f"{folder / 'recording.html'}\n"


def test_a_pipe_is_named_as_such(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.wav")
    assert cli.main(["show", str(tmp_path / "pipe.wav")]) == 2
    assert "that is a pipe or a device, not a file" in capsys.readouterr().err


def test_a_file_that_is_no_sound_is_a_usage_error(tmp_path, capsys):
    (tmp_path / "a.wav").write_text("no sound")
    assert cli.main(["show", str(tmp_path / "a.wav")]) == 2
    assert str(tmp_path / "a.wav") in capsys.readouterr().err

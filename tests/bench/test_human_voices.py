"""Human voices: a model trained on them and models trained on synthetic voices detect "yes" and "no"."""

from __future__ import annotations

from pathlib import Path

import pytest
from shared_data import shared_data

from harness.boards.board import Board
from harness.firmware.firmware import Firmware
from harness.measure.listener import Listener
from harness.measure.listening_log import read_listening
from harness.records.record import DetectionRow
from harness.runs.run import Run
from harness.sound.recordings import Recording
from harness.sound.stimulus import compose
from harness.stats.matching import match
from models.data.wav import read_wav
from models.pipeline import external

LABELS = ("silence", "unknown", "yes", "no")


@pytest.fixture
def people() -> list[Recording]:
    return [
        Recording(word, word, name, read_wav(shared_data(name))[0])
        for word in ("yes", "no")
        for name in [f"micro_speech_{word}_1000ms.wav"]
    ]


def words_heard(
    board: Board, firmware: Firmware, bench_run: Run, people: list[Recording], transcript: Path
) -> list[str | None]:
    """What the board's recognizer announces for each recording of a continuous stream."""
    stimulus = compose(people, gap_s=1.0)
    board.upload(firmware)
    facts = Listener(board, stimulus, bench_run.setup.bench).listen(board.open(transcript))
    if facts["route"] == "room":
        pytest.skip("no loudspeaker stands in front of the board")
    starts_s = facts.get("sound_starts_s", 0.0)
    detections = [
        DetectionRow(event.label, event.score, event.device_ms / 1000 - starts_s)
        for event in read_listening(transcript, len(LABELS)).detections
    ]
    return [row.detected for row in match(stimulus.words, detections).rows]


def test_micro_speech_model_detects_the_words(board, bench_run, people, tmp_path):
    model = external(shared_data("micro_speech_quantized.tflite"), LABELS, bench_run.store)
    assert words_heard(board, bench_run.build(model), bench_run, people, tmp_path / "transcript.log") == [
        "yes",
        "no",
    ]


def test_model_trained_on_synthetic_voices_detects_the_words(board, firmware, bench_run, people, tmp_path):
    assert words_heard(board, firmware, bench_run, people, tmp_path / "transcript.log") == ["yes", "no"]

"""Single clips: the cut, both front ends, and a board that answers like the host."""

from __future__ import annotations

import numpy as np
import pytest
from host_library import STORE
from measured_models import LABELS
from small_models import classifier

from harness.boards.emulated import EmulatedBoard
from harness.layout import RECORDINGS
from harness.measure.clip_mode import Clip, answers_of, classify, clean_answer, second_around, second_at
from harness.sound.recording_scan import read_recordings
from harness.sound.stimulus import active_part
from models.reference import ReferenceModel


@pytest.fixture(scope="module")
def reference(model) -> ReferenceModel:
    return ReferenceModel(model.tflite)


@pytest.fixture(scope="module")
def recordings():
    return read_recordings(RECORDINGS, LABELS).recordings[:4]


@pytest.fixture(scope="module")
def clips(recordings) -> list[Clip]:
    return [
        Clip(
            each.source,
            each.word,
            each.label,
            second_at(each.samples, second_around(*active_part(each.samples, each.word))),
        )
        for each in recordings
    ]


def test_second_has_the_word_in_its_middle_and_is_padded_with_silence():
    samples = np.arange(1, 20_001, dtype=np.int16)
    assert second_at(samples, 100).tolist() == list(range(101, 16_101))
    early, late = second_at(samples, -50), second_at(samples, 19_990)
    assert early[:51].tolist() == [0] * 50 + [1]
    assert late[:11].tolist() == [*range(19_991, 20_001), 0]
    assert not second_at(samples, 30_000).any()
    assert second_around(9_000, 15_000) == 4_000


@pytest.fixture(scope="module")
def board(firmware, tmp_path_factory):
    with EmulatedBoard(STORE) as board:
        board.upload(firmware)
        yield board.open(tmp_path_factory.mktemp("board") / "clips.log")


def test_board_answers_clips_like_the_host(board, reference, clips):
    results, difference = classify(board, reference, LABELS, clips)
    assert difference == ""
    assert [result.source for result in results] == [clip.source for clip in clips]
    assert all(result.board_equals_host and 0.25 <= result.probability <= 1 for result in results)


def test_board_with_another_model_does_not(board, clips, tmp_path):
    other = ReferenceModel(classifier(tmp_path / "other.tflite", 1960, hidden=8))
    results, difference = classify(board, other, LABELS, clips)
    wrong = next(result for result in results if not result.board_equals_host)
    assert difference.startswith("output, by") and wrong.source in difference


def test_clip_answer_is_of_the_sound_and_clean_answer_of_the_recording(reference, recordings):
    noise = np.random.default_rng(3).integers(-9_000, 9_000, 64_000).astype(np.int16)
    start, apart = 20_160, []
    for each in recordings:
        onset, end = 4_000, 12_000
        answers = answers_of(reference, LABELS, noise, 199, each.samples, start, start + onset, start + end)
        begin = second_around(start + onset, start + end)
        assert begin % 320 == 0
        assert answers.clip == clean_answer(reference, LABELS, noise, begin, begin + 16_000)
        assert answers.clean == clean_answer(reference, LABELS, each.samples, onset, end)
        apart.append(answers.clean != answers.clip)
    assert any(apart)


def test_word_at_the_end_of_a_sound_has_an_answer(reference, recordings):
    first = recordings[0]
    sound = np.pad(first.samples, (16_000, 0))
    start = len(sound) - 2_000
    answers = answers_of(reference, LABELS, sound, 99, first.samples, start, start, len(sound))
    assert answers.clip.label in LABELS

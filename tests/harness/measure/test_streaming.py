"""The host's streaming reference equals the board's scores slice by slice."""

from __future__ import annotations

import numpy as np
import pytest
from host_library import STORE
from measured_models import LABELS, build, small_model

from harness.boards.emulated import EmulatedBoard
from harness.layout import RECORDINGS
from harness.measure.listening_log import ListeningLog, read_listening
from harness.measure.streaming import scores_of, streaming_scores, streaming_slices
from harness.sound.recording_scan import read_recordings
from harness.sound.stimulus import compose
from harness.stats.segment import FIRST_SLICE_MS, SLICE_MS
from models.data.features import micro_features
from models.data.front_ends import load_front_end
from models.reference import ReferenceModel


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    recordings = read_recordings(RECORDINGS, LABELS).recordings[:1]
    whole = compose(recordings).samples
    return whole[: len(whole) // 1280 * 1280 + 300]  # its last slice ends in what the microphone adds


@pytest.fixture(scope="module", params=[0, 400], ids=["every slice", "several slices at a time"])
def heard(request, sound, tmp_path_factory) -> tuple[ListeningLog, np.ndarray]:
    """A board's log of the sound and the host's scores; the slower of the two models misses slices."""
    folder = tmp_path_factory.mktemp("streaming")
    model = small_model(folder, hidden=request.param)
    with EmulatedBoard(STORE) as board:
        board.upload(build(model))
        for _ in board.open(folder / "heard.log").listen(lambda: board.listen(sound)):
            pass
    reference = ReferenceModel(model.tflite)
    scores = streaming_scores(reference, streaming_slices(reference.front_end, sound))
    log = read_listening(folder / "heard.log", len(model.labels))
    assert (np.diff(log.slices).max() > 1) == bool(request.param)
    return log, scores


def test_board_scores_are_the_hosts_at_every_inference(heard):
    log, host = heard
    assert log.intact == len(log.scores) > 50
    assert (host[log.slices - 1] == log.scores).all()


def test_comparison_fails_one_slice_further_on(heard):
    """The comparison is not one of constants."""
    log, host = heard
    equal = (host[log.slices[:-1]] == log.scores[:-1]).all(axis=1)
    assert equal.mean() < 0.9


def test_every_slice_has_scores(heard, sound):
    _, host = heard
    silence_to_the_end_of_a_buffer = np.zeros(-len(sound) % 256, np.int16)
    slices = len(micro_features(np.concatenate([sound, silence_to_the_end_of_a_buffer])))
    assert host.shape == (slices, len(LABELS))


def test_last_buffer_of_the_microphone_is_filled_with_silence(heard, sound):
    """The board's last inference has a slice that reaches beyond the sound."""
    log, host = heard
    assert len(sound) % 256
    assert log.slices[-1] == len(host)


def test_slices_are_complete_when_the_board_says_so(heard):
    """The first inference cannot be before its slice, and follows it by less than two inferences' time."""
    log, _ = heard
    complete_ms = FIRST_SLICE_MS + SLICE_MS * (log.slices - 1)
    assert (log.times_ms >= complete_ms).all()
    assert np.median(log.times_ms - complete_ms) < 100


def test_sound_shorter_than_a_window_has_no_slice():
    assert streaming_slices(load_front_end("micro"), np.zeros(256, np.int16)).shape == (49, 40)


def test_int8_outputs_become_scores_from_0_on():
    assert scores_of(np.array([-128, 0, 127], np.int8)).tolist() == [0, 128, 255]


def test_float_outputs_are_clipped_as_on_the_board():
    values = np.array([np.nan, -1.0, 0.0, 0.999 / 256, 1 / 256, 0.5, 1.0, 7.0], np.float32)
    assert scores_of(values).tolist() == [0, 0, 0, 0, 1, 128, 255, 255]

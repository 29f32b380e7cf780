from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared_data

from harness.sound.recordings import Recording
from harness.sound.stimulus import LEAD_IN_S, TAIL_S, active_part, compose
from models.data.wav import read_wav

RATE = 16000


def recording(
    word: str = "yes", seconds: float = 1.0, onset_s=0.3, end_s=0.7, level=8000, noise=0.0
) -> Recording:
    """Make a tone from onset to end over noise; `level` and `noise` in steps of int16."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    sound = np.random.default_rng(5).normal(0, noise, len(time_s)) if noise else np.zeros(len(time_s))
    sound += np.where((time_s >= onset_s) & (time_s < end_s), level * np.sin(2 * np.pi * 300 * time_s), 0)
    return Recording(word, word, f"{word}.wav", sound.astype(np.int16))


def test_a_stimulus_contains_its_recordings_unchanged_between_silence():
    first, second = recording(), recording("no", seconds=1.5)
    stimulus = compose([first, second], gap_s=2.0, background_dbfs=None)
    samples, start = stimulus.samples, round(LEAD_IN_S * RATE)
    assert stimulus.duration_s == LEAD_IN_S + 1.0 + 2.0 + 1.5 + TAIL_S
    np.testing.assert_array_equal(samples[start : start + 16000], first.samples)
    np.testing.assert_array_equal(samples[start + 48000 : start + 48000 + 24000], second.samples)
    assert samples.dtype == np.int16
    assert not samples[:start].any() and not samples[-round(TAIL_S * RATE) :].any()


@pytest.mark.parametrize("dbfs", [-60.0, -40.0])
def test_the_background_has_the_requested_level_and_follows_from_the_seed(dbfs):
    samples = compose([recording()], background_dbfs=dbfs).samples
    lead_in = samples[: round(LEAD_IN_S * RATE)].astype(float)
    assert 20 * np.log10(np.sqrt((lead_in**2).mean()) / 32768) == pytest.approx(dbfs, abs=0.2)
    np.testing.assert_array_equal(compose([recording()], background_dbfs=dbfs).samples, samples)


def test_onset_and_end_of_a_word_are_those_of_its_active_part():
    (word,) = compose([recording(onset_s=0.3, end_s=0.7)]).words
    assert word.onset_s == pytest.approx(LEAD_IN_S + 0.3, abs=0.02)
    assert word.end_s == pytest.approx(LEAD_IN_S + 0.7, abs=0.02)
    assert (word.label, word.word, word.source) == ("yes", "yes", "yes.wav")


@given(st.lists(st.floats(0.05, 2.5), min_size=1, max_size=5), st.floats(0.0, 3.0))
@settings(max_examples=25)
def test_words_keep_their_distance(lengths, gap_s):
    parts = [recording(seconds=seconds, onset_s=0.0, end_s=seconds) for seconds in lengths]
    words = compose(parts, gap_s=gap_s).words
    for before, after in pairwise(words):
        assert after.onset_s - before.onset_s >= gap_s + 1.0 - 0.001
        assert after.onset_s - before.end_s >= gap_s - 0.001


def test_samples_beyond_int16_are_clipped_and_counted():
    loud = Recording("yes", "yes", "yes.wav", np.full(16000, 32767, dtype=np.int16))
    stimulus = compose([loud])
    assert stimulus.samples.max() == 32767
    assert 0.4 * 16000 < stimulus.clipped_samples < 0.6 * 16000
    assert compose([recording()]).clipped_samples == 0


@pytest.mark.parametrize("arguments", [([],), ([recording()], -1.0)])
def test_an_empty_stimulus_or_a_negative_gap_is_refused(arguments):
    with pytest.raises(ValueError, match="at least"):
        compose(*arguments)


@pytest.mark.parametrize("noise", [0.0, 30.0, 300.0])
def test_the_active_part_is_found_in_noise(noise):
    onset, end = active_part(recording(onset_s=0.42, end_s=0.81, noise=noise).samples)
    assert onset / RATE == pytest.approx(0.42, abs=0.02)
    assert end / RATE == pytest.approx(0.81, abs=0.02)


def test_a_click_is_not_the_start_of_a_word():
    clicked = recording(onset_s=0.42, end_s=0.81)
    clicked.samples[1600:1610] = 30000
    assert active_part(clicked.samples)[0] / RATE == pytest.approx(0.42, abs=0.02)


@pytest.mark.parametrize(
    ("samples", "word"),
    [
        (np.zeros(16000), "yes"),
        (np.full(16000, 1000), "yes"),
        (np.zeros(100), "yes"),
        (recording().samples, "silence"),
    ],
    ids=["silence", "constant", "shorter than a frame", "a recording of silence"],
)
def test_the_whole_recording_is_active_if_nothing_stands_out(samples, word):
    assert active_part(samples.astype(np.int16), word) == (0, len(samples))


@given(st.integers(1, 4000), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_active_part_lies_within_any_recording(length, seed):
    samples = np.random.default_rng(seed).integers(-32768, 32768, length).astype(np.int16)
    onset, end = active_part(samples)
    assert 0 <= onset < end <= length


@pytest.mark.parametrize(
    ("name", "voiced_s"),
    [("micro_speech_yes_1000ms.wav", (0.48, 0.8)), ("micro_speech_no_1000ms.wav", (0.48, 0.7))],
)
def test_the_active_part_holds_the_vowel_of_a_human_word(name, voiced_s):
    samples, _ = read_wav(shared_data(name))
    onset, end = active_part(samples)
    assert onset / RATE <= voiced_s[0]
    assert voiced_s[1] <= end / RATE < 0.9

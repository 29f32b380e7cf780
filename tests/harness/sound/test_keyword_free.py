from __future__ import annotations

import numpy as np
import pytest
import soundfile
from plan_words import plan_of, put

from harness.errors import UsageError
from harness.sound.conditions import Condition

A, B = Condition("a"), Condition("b")


@pytest.fixture
def folder(tmp_path):
    return put(tmp_path / "recordings", "yes/anna.wav")


@pytest.fixture
def talk(tmp_path):
    """A folder of two files of noise: 65 s at 8 kHz in two channels, and 12 s at 16 kHz."""
    place = tmp_path / "talk"
    place.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.05, (65 * 8000, 2))
    soundfile.write(place / "long.wav", noise, 8000, subtype="PCM_16")
    soundfile.write(place / "short.wav", noise[: 12 * 16000, 0], 16000, subtype="PCM_16")
    return place


def free(plan) -> list[tuple[str, float]]:
    return [(segment.condition, segment.duration_s) for segment in plan.segments if not segment.words]


def test_generated_audio_is_shared_by_the_conditions_in_equal_segments_and_noted(folder):
    plan = plan_of(folder, A, B, keyword_free_s=100.0, segment_s=40.0)
    assert free(plan) == [("a", 25.0)] * 2 + [("b", 25.0)] * 2
    assert plan.notes[0].startswith("keyword-free audio is generated")


def test_too_little_audio_for_each_condition_is_refused(folder):
    with pytest.raises(UsageError, match="too little for 2 conditions") as refusal:
        plan_of(folder, A, B, keyword_free_s=15.0)
    assert "at least 20 s" in refusal.value.remedy


def test_a_folder_is_played_as_a_whole_with_notes_on_conversions(folder, talk):
    plan = plan_of(folder, A, B, keyword_free=talk, segment_s=40.0)
    found = [
        (each.condition, each.background, each.background_start / 16000, each.duration_s)
        for each in plan.segments
        if each.background
    ]
    assert sorted(found) == [
        ("a", "../talk/long.wav", 0.0, 32.5),
        ("a", "../talk/short.wav", 0.0, 12.0),
        ("b", "../talk/long.wav", 32.5, 32.5),
    ]
    assert "../talk/long.wav: resampled from 8,000 Hz" in plan.notes
    assert "../talk/long.wav: mean of 2 channels" in plan.notes


def test_the_duration_of_files_can_be_limited_and_a_lack_is_noted(folder, talk):
    plan = plan_of(folder, A, keyword_free=talk, keyword_free_s=50.0, segment_s=40.0)
    assert free(plan) == [("a", 32.5), ("a", 17.5)]
    plan = plan_of(folder, A, keyword_free=talk, keyword_free_s=3600.0)
    assert "keyword-free audio: 77 s instead of 3600 s" in plan.notes


def test_unusable_files_are_excluded_with_the_reason(folder, talk):
    (talk / "broken.wav").write_bytes(b"no sound")
    soundfile.write(talk / "brief.wav", np.full(16000, 0.1), 16000, subtype="PCM_16")
    soundfile.write(talk / "zeros.wav", np.zeros(16000 * 20), 16000, subtype="PCM_16")
    soundfile.write(talk / "cut.wav", np.full(16000 * 20, 0.1), 16000, subtype="PCM_16")
    (talk / "cut.wav").write_bytes((talk / "cut.wav").read_bytes()[:400_000])
    (talk / "more").mkdir()
    (talk / "more" / "1.mp3").write_bytes(b"no sound")
    (talk / "._long.wav").write_bytes(b"no sound")
    excluded = {each.source: each.reason for each in plan_of(folder, A, keyword_free=talk).excluded}
    names = ("broken.wav", "brief.wav", "zeros.wav", "cut.wav", "more/1.mp3")
    assert set(excluded) == {f"../talk/{name}" for name in names}
    assert excluded["../talk/cut.wav"] == "the recording is cut off: it ends after 12.50 of 20.00 s"
    assert excluded["../talk/brief.wav"] == "too short for keyword-free audio: 1.0 s"
    assert excluded["../talk/zeros.wav"] == "silent: -101 dBFS"


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_audio_is_refused(folder, tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="keyword-free audio") as refusal:
        plan_of(folder, A, keyword_free=tmp_path / name)
    assert refusal.value.remedy

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_words import plan_of, put

from harness.errors import UsageError
from harness.sound.conditions import Condition
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions, Scan
from harness.sound.recording_scan import scan_recordings
from harness.sound.stimulus import LEAD_IN_S, TAIL_S, active_part
from models.data.wav import read_wav, write_wav

LOUD, SOFT = Condition("loud", level_dbfs=-20.0), Condition("soft", level_dbfs=-40.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    names = [f"{word}/{speaker}.wav" for word in ("yes", "no", "tree") for speaker in ("anna", "bo", "cy")]
    return put(tmp_path_factory.mktemp("recordings"), *names)


def test_a_plan_follows_from_its_seed(folder):
    assert plan_of(folder) == plan_of(folder)
    first, second = (plan_of(folder, seed=seed).segments[0].words for seed in (1, 2))
    assert [word.source for word in first] != [word.source for word in second]


def test_every_recording_is_repeated_under_each_condition(folder):
    plan = plan_of(folder, LOUD, SOFT, repeats=3)
    for condition in ("loud", "soft"):
        words = [word for each in plan.segments if each.condition == condition for word in each.words]
        played = [word.source for word in words]
        assert len(set(played)) == 9
        assert {played.count(source) for source in played} == {3}
        assert played[:9] != played[9:18], "each repetition has its own order"


def test_all_conditions_share_words_places_and_seeds(folder):
    plan = plan_of(folder, LOUD, SOFT, repeats=5, segment_s=60.0)
    loud, soft = (
        [
            (each.words, each.samples, each.seed)
            for each in plan.segments
            if each.condition == name and each.words
        ]
        for name in ("loud", "soft")
    )
    assert loud == soft
    assert len({seed for *_, seed in loud}) == len(loud) > 1
    assert [segment.number for segment in plan.segments] == list(range(1, len(plan.segments) + 1))


SECONDS = (0.3, 0.5, 1.0, 1.25, 2.0, 3.0)


@pytest.fixture(scope="module")
def of_many_lengths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lengths")
    for seconds in SECONDS:
        put(folder, f"yes/{seconds}.wav", seconds=seconds, onset_s=0.05, end_s=0.3)
    return scan_recordings(folder).usable


@given(
    chosen=st.sets(st.sampled_from(SECONDS), min_size=1),
    repeats=st.integers(1, 3),
    gap_s=st.floats(1.5, 4.0),
    segment_s=st.floats(10.0, 60.0),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=25)
def test_words_keep_their_distance_and_segments_their_length(
    of_many_lengths, chosen, repeats, gap_s, segment_s, seed
):
    usable = [each for each in of_many_lengths if each.samples / 16000 in chosen]
    options = PlanOptions(seed=seed, repeats=repeats, gap_s=gap_s, segment_s=segment_s)
    scan = Scan(tuple(usable))
    with (
        patch("harness.sound.planning.entries_of", lambda *_: ([], [])),
        patch("harness.sound.planning.scan_recordings", lambda *_: scan),
    ):
        plan = make_plan(Path(), options)
    seconds_of = {each.source: each.samples / 16000 for each in usable}
    assert sum(len(segment.words) for segment in plan.segments) == repeats * len(usable)
    for segment in plan.segments:
        assert segment.duration_s <= segment_s + 0.001
        assert segment.words[0].start_sample == LEAD_IN_S * 16000
        last = segment.words[-1]
        assert last.start_sample / 16000 + seconds_of[last.source] + TAIL_S <= segment.duration_s + 0.001
        for before, after in pairwise(segment.words):
            end_s = before.start_sample / 16000 + max(seconds_of[before.source], 1.0)
            assert gap_s - 0.001 <= after.start_sample / 16000 - end_s <= gap_s + 0.201


def test_words_are_at_their_recordings_places_and_at_any_phase_of_the_slices(folder):
    words = plan_of(folder).segments[0].words
    for word in words:
        onset, end = active_part(read_wav(folder / word.source)[0], word.word)
        assert (word.onset_sample, word.end_sample) == (word.start_sample + onset, word.start_sample + end)
    assert len({word.onset_sample % 320 for word in words}) > 4


def test_excluded_recordings_are_listed_in_the_plan(tmp_path):
    put(tmp_path, "yes/1.wav")
    write_wav(tmp_path / "yes" / "2.wav", np.zeros(16000, np.int16))
    put(tmp_path, "yes/3.wav", seconds=8.0)
    plan = plan_of(tmp_path, segment_s=10.0)
    assert {each.source: each.reason.split(":")[0] for each in plan.excluded} == {
        "yes/2.wav": "silent",
        "yes/3.wav": "too long for a segment",
    }


def test_a_folder_with_only_long_recordings_is_refused(tmp_path):
    put(tmp_path, "yes/1.wav", seconds=8.0)
    with pytest.raises(UsageError, match="no recording is short enough"):
        plan_of(tmp_path, segment_s=10.0)


def test_a_quick_plan_lasts_a_minute_under_one_condition(tmp_path):
    put(tmp_path, *[f"yes/{number}.wav" for number in range(40)])
    plan = plan_of(tmp_path, LOUD, SOFT, quick=True)
    (segment,) = plan.segments
    assert plan.conditions == (LOUD,)
    assert 50 <= segment.duration_s <= 60
    assert plan.notes[-1] == "quick plan: 18 of 40 recordings, one condition, no keyword-free audio"


@pytest.mark.parametrize(
    "more", [{"repeats": 2}, {"keyword_free_s": 3600.0}, {"keyword_free": Path("kitchen.wav")}]
)
def test_a_quick_plan_has_no_repetitions_and_no_keyword_free_audio(tmp_path, more):
    put(tmp_path, "yes/1.wav")
    with pytest.raises(UsageError, match="Omit --repeat and --keyword-free, or omit --quick"):
        plan_of(tmp_path, quick=True, **more)


def test_a_quick_plan_of_long_recordings_takes_fewer(tmp_path):
    put(tmp_path, *[f"yes/{number}.wav" for number in range(20)], seconds=5.0)
    plan = plan_of(tmp_path, quick=True)
    (segment,) = plan.segments
    assert segment.duration_s <= 60
    assert plan.notes[-1].startswith(f"quick plan: {len(segment.words)} of 20 ")


def test_a_quick_plan_takes_each_keyword_as_often_as_all_other_words(tmp_path):
    names = [f"{word}/{number}.wav" for word in ("yes", "no", "a", "b", "c", "d") for number in range(8)]
    put(tmp_path, *names)
    plan = make_plan(tmp_path, PlanOptions(quick=True), words=["Yes", "no"])
    spoken = [word.word for word in plan.segments[0].words]
    assert (spoken.count("yes"), spoken.count("no")) == (6, 6)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"gap_s": 1.0}, "gap of 1 s is too short"),
        ({"gap_s": float("nan")}, "gap of nan s"),
        ({"repeats": 0}, "0 times"),
        ({"segment_s": 5.0}, "cannot last 5 s"),
        ({"segment_s": 1e6}, "cannot last 1e"),
        ({"keyword_free_s": -1.0}, "cannot last -1 s"),
    ],
)
def test_impossible_options_are_refused_with_a_remedy(folder, options, problem):
    with pytest.raises(UsageError, match=problem) as refusal:
        plan_of(folder, **options)
    assert refusal.value.remedy


def test_a_plan_of_one_set_plays_its_recordings_only(tmp_path):
    names = ("yes/0a_nohash_0.wav", "yes/0b_nohash_0.wav", "no/0a_nohash_0.wav")
    put(tmp_path, *names, "_background_noise_/hum.wav")
    (tmp_path / "testing_list.txt").write_text("yes/0a_nohash_0.wav\nno/0a_nohash_0.wav\n")
    plan = plan_of(tmp_path, split="testing")
    played = {word.source for segment in plan.segments for word in segment.words}
    assert played == {"yes/0a_nohash_0.wav", "no/0a_nohash_0.wav"}
    (tmp_path / "testing_list.txt").write_text("")
    with pytest.raises(
        UsageError, match="the testing split has no recording: all 3 recordings are in training"
    ):
        plan_of(tmp_path, split="testing")

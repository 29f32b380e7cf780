from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_words import plan_of

from harness.errors import UsageError
from harness.sound.conditions import NOISES, Condition
from harness.sound.playback_plan import (
    Excluded,
    PlannedWord,
    PlaybackPlan,
    Segment,
    check_files,
    read_plan,
    write_plan,
)
from models.errors import ConfigError

SHA256 = "0123456789abcdef" * 4
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@given(
    names=st.lists(NAMES, min_size=3, max_size=3, unique=True),
    text=NAMES | st.just(""),
    places=st.lists(st.integers(0, 1000), min_size=6, max_size=6, unique=True).map(sorted),
    level_dbfs=st.none() | st.floats(-80, 0),
    room=st.none() | st.tuples(st.floats(0.1, 4.0), st.floats(0.2, 0.8)),
    noise=NAMES | st.sampled_from(NOISES),
    seed=st.integers(0, 2**32 - 1),
    gap_s=st.floats(1.5, 1e6),
)
@settings(max_examples=30)
def test_a_written_plan_reads_back_equal(tmp_path, names, text, places, level_dbfs, room, noise, seed, gap_s):
    distance_m, rt60_s = room or (None, None)
    first = Condition(names[0], level_dbfs=level_dbfs, noise=noise, noise_sha256=SHA256 if text else "")
    second = Condition(names[1], distance_m=distance_m, rt60_s=rt60_s, background_dbfs=level_dbfs)
    words = (
        PlannedWord(names[0], names[1], SHA256, text, *places[:3]),
        PlannedWord(names[2], names[2], SHA256, text, *places[3:]),
    )
    plan = PlaybackPlan(
        Path("/somewhere/my words"),
        seed,
        gap_s,
        places[0] + 1,
        (first, second),
        (
            Segment(1, names[0], places[-1] + 1, seed, words),
            Segment(2, names[1], 10**6, seed, (), names[2], places[1], SHA256),
        ),
        (Excluded(names[0], text),),
        (text,),
    )
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


@pytest.fixture
def written(tmp_path) -> Path:
    """The file of a plan: a segment with three words and a keyword-free one under each of two conditions."""
    two = (Condition("near", distance_m=2.0, rt60_s=0.3), Condition("noisy", snr_db=3.0))
    write_plan(plan_of(tmp_path, *two, keyword_free_s=30.0), tmp_path / "plan.json")
    return tmp_path / "plan.json"


WORD = ("segments", 0, "words", 1)


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        (("seed",), 1.5, "seed"),
        (("schema",), 2, "schema"),
        (("segments",), [], "at least one segment"),
        (("segments", 0, "condition"), "other", "other"),
        (("segments", 1, "number"), 1, "own number"),
        (("segments", 0, "samples"), 10**9, r"segments\[0\].samples"),
        (("segments", 1, "background_start"), -1, r"segments\[1\].background_start"),
        ((*WORD, "word"), "", r"segments\[0\].words\[1\].word"),
        ((*WORD, "sha256"), "x" * 64, r"segments\[0\].words\[1\].sha256"),
        ((*WORD, "onset_sample"), 100, r"words\[1\] is out of order.*segments\[0\]"),
        ((*WORD, "end_sample"), 1, r"words\[1\] is out of order.*segments\[0\]"),
        ((*WORD, "weather"), "fair", "unknown key"),
        (("conditions", 0, "room_m"), [1, 2], r"conditions\[0\].room_m"),
        (("conditions", 0, "distance_m"), 40, "a talker at 40 m"),
        (("conditions", 1, "snr_db"), float("nan"), "nan is not allowed"),
    ],
)
def test_a_refused_value_is_named_with_file_and_key(written, place, value, key):
    data = json.loads(written.read_text())
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    written.write_text(json.dumps(data))
    with pytest.raises((ConfigError, UsageError), match=key) as refusal:
        read_plan(written)
    assert str(written) in refusal.value.where


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"\xff\xfe", b"[" * 100_000, b"[]"])
def test_a_file_that_is_no_plan_is_refused(tmp_path, content):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"plan\.json"):
        read_plan(tmp_path / "plan.json")


def test_a_missing_plan_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read.*nowhere\.json"):
        read_plan(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("content", "problem"), [(None, r"No such file.*no/anna\.wav"), (b"x", r"sha256 differs.*no/anna\.wav")]
)
def test_a_recording_that_is_missing_or_changed_is_named(written, tmp_path, content, problem):
    (tmp_path / "no" / "anna.wav").unlink()
    if content:
        (tmp_path / "no" / "anna.wav").write_bytes(content)
    with pytest.raises(UsageError, match=problem) as refusal:
        check_files(read_plan(written))
    assert "new plan" in refusal.value.remedy


def test_a_relative_folder_is_relative_to_the_plan(tmp_path):
    plan = plan_of(tmp_path / "words")
    write_plan(replace(plan, folder=Path("words")), tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


def test_a_plan_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_plan(plan_of(tmp_path), tmp_path / "file" / "plan.json")

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from field_words import plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.sound.conditions import NOISES, Condition
from harness.sound.playback_plan import Excluded, PlannedWord, PlaybackPlan, Segment, read_plan, write_plan

STORED = Path(__file__).parent / "stored" / "field_plan_schema_1.json"
SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@st.composite
def conditions(draw, name: str) -> Condition:
    file = draw(st.booleans())
    distance_m = draw(st.none() | st.floats(0.1, 4.0))
    return Condition(
        name,
        level_dbfs=draw(st.none() | st.floats(-80, 0)),
        snr_db=draw(st.none() | st.floats(-30, 80)),
        noise=draw(NAMES.filter(lambda noise: noise not in NOISES) if file else st.sampled_from(NOISES)),
        background_dbfs=draw(st.none() | st.floats(-100, 0)),
        distance_m=distance_m,
        rt60_s=draw(st.none() | st.floats(0.2, 0.8)) if distance_m else None,
        gain_db=draw(st.floats(-60, 60)),
        noise_sha256=draw(SHA256) if file else "",
    )


@st.composite
def segments(draw, number: int, names: list[str]) -> Segment:
    words, position = [], 0
    for _ in range(draw(st.integers(0, 3))):
        start = position + draw(st.integers(0, 1000))
        onset = start + draw(st.integers(0, 1000))
        position = onset + draw(st.integers(1, 1000))
        words.append(
            PlannedWord(
                draw(NAMES), draw(NAMES), draw(SHA256), draw(NAMES | st.just("")), start, onset, position
            )
        )
    background = draw(NAMES | st.just(""))
    return Segment(
        number,
        draw(st.sampled_from(names)),
        position + draw(st.integers(1, 10**6)),
        draw(st.integers(0, 2**32 - 1)),
        tuple(words),
        background,
        draw(st.integers(0, 10**9)),
        draw(SHA256) if background else "",
    )


@st.composite
def plans(draw) -> PlaybackPlan:
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    return PlaybackPlan(
        Path("/somewhere/my words"),
        draw(st.integers()),
        draw(st.floats(1.5, 1e6)),
        draw(st.integers(1, 100)),
        tuple(draw(conditions(name)) for name in names),
        tuple(draw(segments(number, names)) for number in range(1, draw(st.integers(2, 4)))),
        tuple(draw(st.lists(st.builds(Excluded, NAMES, NAMES), max_size=2))),
        tuple(draw(st.lists(NAMES, max_size=2))),
    )


@given(plan=plans())
@settings(max_examples=60)
def test_what_is_written_is_read(tmp_path_factory, plan):
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    write_plan(plan, path)
    assert read_plan(path, check=False) == plan


def test_a_plan_of_recordings_is_read_as_it_was_made(tmp_path):
    plan = plan_of(tmp_path, Condition("a"), Condition("b", snr_db=3.0), keyword_free_s=30.0)
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


def test_a_plan_of_the_first_schema_is_still_read():
    plan = read_plan(STORED, check=False)
    assert plan.folder == STORED.parent / "../my_words"
    assert [condition.name for condition in plan.conditions] == ["2 m, 10 dB", "as recorded"]
    assert plan.conditions[0].noise == "../fan.wav"
    assert [len(segment.words) for segment in plan.segments] == [3, 0, 3]
    assert plan.segments[1].background == "../radio.wav"
    assert plan.segments[0].words[1].speaker == "cy"
    assert plan.excluded == (Excluded("yes/quiet.wav", "silent: -101 dBFS"),)


def stored() -> dict:
    return json.loads(STORED.read_text())


def read(tmp_path, data: object, **options: bool) -> PlaybackPlan:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data))
    return read_plan(path, **{"check": False, **options})


def test_an_unknown_key_is_refused(tmp_path):
    with pytest.raises(UsageError, match="weather"):
        read(tmp_path, stored() | {"weather": "fair"})


def test_keys_with_a_default_may_be_left_out(tmp_path):
    data = stored()
    del data["conditions"][1]["gain_db"], data["segments"][0]["background"]
    assert read(tmp_path, data).conditions[1].gain_db == 0.0


WORD = ("segments", 0, "words", 1)


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        (("seed",), 1.5, "seed"),
        (("seed",), True, "seed"),
        (("folder",), "", "folder"),
        (("gap_s",), float("nan"), "gap_s"),
        (("gap_s",), 10**400, "gap_s"),
        (("segments",), [], "segments"),
        (("segments",), {}, "segments"),
        (("segments", 0), 7, r"segments\[0\]"),
        (("segments", 0, "condition"), "other", r"segments\[0\].condition"),
        (("segments", 1, "number"), 1, r"segments\[1\].number"),
        (("segments", 0, "samples"), 0, r"segments\[0\].samples"),
        (("segments", 0, "samples"), 10**9, r"segments\[0\].samples"),
        (("segments", 0, "seed"), -1, r"segments\[0\].seed"),
        (("segments", 1, "background_start"), -1, r"segments\[1\].background_start"),
        (("segments", 1, "background_sha256"), "", r"segments\[1\].background_sha256"),
        ((*WORD, "word"), "", r"segments\[0\].words\[1\].word"),
        ((*WORD, "source"), "", r"segments\[0\].words\[1\].source"),
        ((*WORD, "sha256"), "x" * 64, r"segments\[0\].words\[1\].sha256"),
        ((*WORD, "start_sample"), -1, r"segments\[0\].words\[1\].start_sample"),
        ((*WORD, "onset_sample"), 100, r"segments\[0\].words\[1\].onset_sample"),
        ((*WORD, "end_sample"), 86143, r"segments\[0\].words\[1\].end_sample"),
        ((*WORD, "end_sample"), 10**8, r"segments\[0\].words\[1\].end_sample"),
        (("conditions", 0, "room_m"), [1, 2], r"conditions\[0\].room_m"),
        (("conditions", 0, "distance_m"), 40, "conditions. cannot be: a talker at 40 m"),
        (("conditions", 0, "noise_sha256"), "", r"conditions\[0\].noise_sha256"),
        (("conditions", 1, "name"), "2 m, 10 dB", "conditions. cannot be: condition names must be unique"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_file_and_key(tmp_path, place, value, key):
    data = stored()
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(UsageError, match=key) as refusal:
        read(tmp_path, data)
    assert str(tmp_path / "plan.json") in refusal.value.where


def test_words_out_of_order_are_named(tmp_path):
    data = stored()
    data["segments"][0]["words"].reverse()
    with pytest.raises(UsageError, match=r"segments\[0\].words\[1\].onset_sample"):
        read(tmp_path, data)


def test_a_missing_key_is_named(tmp_path):
    data = stored()
    del data["segments"][0]["words"][0]["sha256"]
    with pytest.raises(UsageError, match=r"missing key.*segments\[0\].words\[0\].sha256"):
        read(tmp_path, data)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not whole JSON"),
        (b'{"schema": 1', "not whole JSON"),
        (b"\xff\xfe", "not whole JSON"),
        (b"[" * 100_000, "not whole JSON"),
        (b"[]", "not a plan"),
        (b'{"schema": 1, "variants": []}', "not a plan"),
        (b'{"schema": 2, "segments": [], "conditions": []}', "schema 2, this Earshot reads up to 1"),
        (b'{"schema": "1", "segments": [], "conditions": []}', "not a version"),
    ],
)
def test_a_file_that_is_no_plan_is_told_as_that(tmp_path, content, problem):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(UsageError, match=problem):
        read_plan(tmp_path / "plan.json")


def test_a_plan_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read.*nowhere\.json"):
        read_plan(tmp_path / "nowhere.json")


def test_a_recording_that_is_gone_is_named(tmp_path):
    write_plan(plan_of(tmp_path), tmp_path / "plan.json")
    (tmp_path / "no" / "anna.wav").unlink()
    with pytest.raises(UsageError, match=r"No such file.*no/anna\.wav") as refusal:
        read_plan(tmp_path / "plan.json")
    assert "new plan" in refusal.value.remedy


def test_a_recording_that_has_changed_is_named(tmp_path):
    write_plan(plan_of(tmp_path), tmp_path / "plan.json")
    (tmp_path / "no" / "anna.wav").write_bytes((tmp_path / "yes" / "anna.wav").read_bytes())
    with pytest.raises(UsageError, match=r"sha256 differs.*no/anna\.wav"):
        read_plan(tmp_path / "plan.json")


def test_a_relative_folder_lies_beside_the_plan(tmp_path):
    plan = plan_of(tmp_path / "words")
    write_plan(replace(plan, folder=Path("words")), tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


def test_a_plan_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_plan(plan_of(tmp_path), tmp_path / "file" / "plan.json")

"""A run's folder read back: what was lost touches the right words, and the host's scores are the board's."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.boards.emulated import EmulatedBoard
from harness.measure.clip_mode import clean_answer
from harness.records.field_record import FieldVariant
from harness.runs.field import host as host_module
from harness.runs.field.folder import FieldFolder
from harness.runs.field.host import Host, read_host
from harness.runs.field.playing import read_facts
from harness.runs.field.segment_reader import NOT_PLAYED, segments_heard
from harness.sound import sound_files
from harness.sound.scene import render
from harness.stats.field_figures import field_figures
from models.reference import ReferenceModel
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")


@pytest.fixture
def heard(plan, model, store, folder_of, player_of) -> FieldFolder:
    """Both segments, heard by board and host."""
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
        player, host = player_of(board, plan, folder), Host(model, plan, folder, store)
        for segment in plan.segments:
            player.play(segment)
            host.hear(segment, read_facts(folder, model.id, segment.number), lambda line: None)
    return folder


def row_of(folder, plan, model, threshold=200) -> FieldVariant:
    segments = segments_heard(folder, plan, model.id, LABELS)
    return field_figures(FieldVariant(model.id, "", list(LABELS)), segments, threshold=threshold)


def test_every_word_of_the_plan_has_a_row_and_every_score_is_the_hosts(heard, plan, model):
    row = row_of(heard, plan, model)
    assert [(one.word, one.label) for one in row.stimuli] == [
        (word.word, word.word if word.word in LABELS else "unknown") for word in plan.segments[0].words
    ]
    assert [segment.note for segment in row.segments] == ["", ""]
    assert row.reference == {
        "inferences": row.timing.inferences,
        "equal": row.timing.inferences,
        "max_difference": 0,
    }
    assert row.replay is not None and row.replay.total == len(row.stimuli)


def test_a_wrong_score_shows(heard, plan, model):
    """As from another model: the comparison is one of values."""
    path = heard.host(model.id, 1)
    with np.load(path) as kept:
        scores, answers = kept["scores"].copy(), kept["answers"]
    scores[100, 2] ^= 8
    np.savez_compressed(path, scores=scores, answers=answers)
    reference = row_of(heard, plan, model).reference
    assert reference["equal"] == reference["inferences"] - 1
    assert reference["max_difference"] == 8


def test_words_whose_records_were_lost_are_excluded_and_counted(heard, plan, model):
    """The lines of the second word are missing in the transcript."""
    word = plan.segments[0].words[1]
    log = heard.transcript(model.id, 1)
    lines = log.read_bytes().splitlines(keepends=True)
    kept = [
        line
        for line in lines
        if b"$inf," not in line or not word.onset_s < int(line.split(b",")[2]) / 1000 < word.end_s
    ]
    log.write_bytes(b"".join(kept))
    row = row_of(heard, plan, model)
    lost = len(lines) - len(kept)
    assert row.segments[0].records_lost == lost > 5
    assert [bool(one.excluded) for one in row.stimuli] == [False, True, False]
    assert f"{lost} records lost" in row.stimuli[1].excluded
    assert row.segments[0].note == "not compared with the host: records or audio were lost"
    whole = sum(b"$inf," in line for line in heard.transcript(model.id, 2).read_bytes().splitlines())
    assert row.reference["inferences"] == whole


def test_a_transcript_that_breaks_off_costs_the_words_behind_its_end(heard, plan, model):
    log = heard.transcript(model.id, 1)
    lines = log.read_bytes().splitlines(keepends=True)
    onset_ms = plan.segments[0].words[2].onset_s * 1000
    end = next(
        number
        for number, line in enumerate(lines)
        if b"$inf," in line and int(line.split(b",")[2]) > onset_ms
    )
    log.write_bytes(b"".join(lines[:end]))
    row = row_of(heard, plan, model)
    assert not row.segments[0].complete
    assert "breaks off" in row.segments[0].note
    assert "breaks off" in row.stimuli[2].excluded
    assert not row.stimuli[0].excluded


def test_a_segment_that_was_not_played_is_no_miss(heard, plan, model):
    heard.facts(model.id, 1).unlink()
    row = row_of(heard, plan, model)
    assert [one.excluded for one in row.stimuli] == [NOT_PLAYED] * 3
    assert row.segments[0].note == NOT_PLAYED
    assert row.segments[0].keyword_free_s == 0


def test_the_hosts_answers_are_of_the_word_itself(heard, plan, model):
    answers = read_host(heard, model.id, 1).answers
    reference = ReferenceModel(model.tflite)
    for word, answer in zip(plan.segments[0].words, answers, strict=True):
        samples = sound_files.recording(plan.folder / word.source, word.sha256)
        onset, end = word.onset_sample - word.start_sample, word.end_sample - word.start_sample
        again = clean_answer(reference, LABELS, samples, onset, end)
        # The grid of slices may cut it up to 10 ms apart.
        assert answer.clean.label == again.label or abs(answer.clean.score - again.score) < 40


def test_of_keyword_free_audio_the_host_scores_as_much_as_has_to_be_compared(
    plan, model, store, folder_of, monkeypatch
):
    monkeypatch.setattr(host_module, "CHECKED_S", 5.0)
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
    facts = _facts_of(plan, plan.segments[1])
    Host(model, plan, folder, store).hear(plan.segments[1], facts, lambda line: None)
    assert read_host(folder, model.id, 2) is None
    Host(model, plan, folder, store, everything=True).hear(plan.segments[1], facts, lambda line: None)
    assert len(read_host(folder, model.id, 2).scores) > 400


def test_of_what_went_through_the_air_the_host_knows_the_recordings_alone(plan, model, folder_of, tmp_path):
    with EmulatedBoard() as board:
        folder = folder_of(plan, board)
    facts = replace(_facts_of(plan, plan.segments[0]), route="acoustic", sound_starts_s=5.0)
    Host(model, plan, folder, Store(tmp_path / "store")).hear(plan.segments[0], facts, lambda line: None)
    made = read_host(folder, model.id, 1)
    assert made.scores is None
    assert all(answer.clip.score == 0 and answer.clean.score > 0 for answer in made.answers)
    assert json.dumps(asdict(made.answers[0]))


def _facts_of(plan, segment):
    from harness.runs.field.playing import SegmentFacts, sound_sha256

    return SegmentFacts(sound_sha256(render(plan, segment)), "", 0, None, None, 0.0)

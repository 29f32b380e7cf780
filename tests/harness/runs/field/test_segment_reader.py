"""Segments read from a run's folder: losses exclude the right words, scores equal the host's."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

from harness.bench_file import Bench
from harness.boards.emulated import EmulatedBoard
from harness.measure.clip_mode import clean_answer
from harness.measure.retry import Retries
from harness.records.field_record import FieldVariant, ReferenceRow
from harness.runs.field import host as host_module
from harness.runs.field.host import Host, read_host
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player, SegmentFacts, read_facts, scene_facts
from harness.runs.field.segment_reader import NOT_PLAYED, read_segments
from harness.sound import sound_files
from harness.sound.scene import render
from harness.stats.field_figures import field_figures
from models.reference import ReferenceModel
from models.store import Store

LABELS = ("silence", "unknown", "yes", "no")


@pytest.fixture(scope="module")
def played(plan, model, store, firmware, tmp_path_factory) -> FieldPaths:
    """Both segments, played to the board and scored on the host."""
    paths = FieldPaths(tmp_path_factory.mktemp("played"))
    with EmulatedBoard() as board:
        player = Player(board, firmware, model, plan, Bench(), paths, store, Retries())
        host = Host(model, plan, paths, store)
        for segment in plan.segments:
            player.play(segment)
            host.listen(segment, read_facts(paths, model.id, segment.number))
    return paths


@pytest.fixture
def paths(played, tmp_path) -> FieldPaths:
    """A copy that a test may damage."""
    shutil.copytree(played.folder, tmp_path / "run")
    return FieldPaths(tmp_path / "run")


def row_of(paths, plan, model, threshold=None) -> FieldVariant:
    segments = read_segments(paths, plan, model.id, LABELS)
    return field_figures(FieldVariant(model.id, "", list(LABELS)), segments, threshold=threshold)


def test_every_word_has_a_row_and_every_score_is_the_hosts(paths, plan, model):
    row = row_of(paths, plan, model)
    assert [(one.word, one.label) for one in row.stimuli] == [
        (word.word, word.word if word.word in LABELS else "unknown") for word in plan.segments[0].words
    ]
    assert [segment.note for segment in row.segments] == ["", ""]
    assert row.reference == ReferenceRow(row.timing.inferences, row.timing.inferences, max_difference=0)
    assert row.replay is not None and row.replay.total == len(row.stimuli)


def test_wrong_score_is_counted(paths, plan, model):
    """The comparison is one of values."""
    path = paths.host(model.id, 1)
    with np.load(path) as kept:
        scores, answers = kept["scores"].copy(), kept["answers"]
    scores[100, 2] ^= 8
    np.savez_compressed(path, scores=scores, answers=answers)
    reference = row_of(paths, plan, model).reference
    assert reference.equal == reference.inferences - 1
    assert reference.max_difference == 8


def test_words_whose_records_were_lost_are_excluded_and_counted(paths, plan, model):
    """The lines of the second word are missing in the transcript."""
    word = plan.segments[0].words[1]
    log = paths.transcript(model.id, 1)
    lines = log.read_bytes().splitlines(keepends=True)
    kept = [
        line
        for line in lines
        if b"$inf," not in line or not word.onset_s < int(line.split(b",")[2]) / 1000 < word.end_s
    ]
    log.write_bytes(b"".join(kept))
    row = row_of(paths, plan, model)
    lost = len(lines) - len(kept)
    assert row.segments[0].records_lost == lost > 5
    assert [bool(one.excluded) for one in row.stimuli] == [False, True, False]
    assert f"{lost} records lost" in row.stimuli[1].excluded
    assert row.segments[0].note == "not compared with the host: records or audio were lost"
    whole = sum(b"$inf," in line for line in paths.transcript(model.id, 2).read_bytes().splitlines())
    assert row.reference.inferences == whole


def test_truncated_transcript_excludes_the_words_after_its_end(paths, plan, model):
    log = paths.transcript(model.id, 1)
    lines = log.read_bytes().splitlines(keepends=True)
    onset_ms = plan.segments[0].words[2].onset_s * 1000
    end = next(
        number
        for number, line in enumerate(lines)
        if b"$inf," in line and int(line.split(b",")[2]) > onset_ms
    )
    log.write_bytes(b"".join(lines[:end]))
    row = row_of(paths, plan, model)
    assert not row.segments[0].complete
    assert "breaks off" in row.segments[0].note
    assert "breaks off" in row.stimuli[2].excluded
    assert not row.stimuli[0].excluded


def test_segment_that_was_not_played_is_no_miss(paths, plan, model):
    paths.facts(model.id, 1).unlink()
    row = row_of(paths, plan, model)
    assert [one.excluded for one in row.stimuli] == [NOT_PLAYED] * 3
    assert row.segments[0].note == NOT_PLAYED
    assert row.segments[0].keyword_free_s == 0


def test_host_answers_are_of_the_word_itself(paths, plan, model):
    answers = read_host(paths, model.id, 1).answers
    reference = ReferenceModel(model.tflite)
    for word, answer in zip(plan.segments[0].words, answers, strict=True):
        samples = sound_files.recording(plan.folder / word.source, word.sha256)
        onset, end = word.onset_sample - word.start_sample, word.end_sample - word.start_sample
        again = clean_answer(reference, LABELS, samples, onset, end)
        # The grid of slices may cut it up to 10 ms apart.
        assert answer.clean.label == again.label or abs(answer.clean.score - again.score) < 40


def test_keyword_free_audio_is_scored_up_to_the_checked_length(plan, model, store, tmp_path, monkeypatch):
    monkeypatch.setattr(host_module, "CHECKED_S", 5.0)
    paths = FieldPaths(tmp_path)
    facts = _facts_of(plan, plan.segments[1])
    Host(model, plan, paths, store).listen(plan.segments[1], facts)
    assert read_host(paths, model.id, 2) is None
    Host(model, plan, paths, store, everything=True).listen(plan.segments[1], facts)
    assert len(read_host(paths, model.id, 2).scores) > 400


def test_acoustic_segment_has_answers_to_the_recordings_only(plan, model, tmp_path):
    paths = FieldPaths(tmp_path)
    facts = replace(_facts_of(plan, plan.segments[0]), route="acoustic", sound_starts_s=5.0)
    Host(model, plan, paths, Store(tmp_path / "store")).listen(plan.segments[0], facts)
    made = read_host(paths, model.id, 1)
    assert made.scores is None
    assert all(answer.clip.score == 0 and answer.clean.score > 0 for answer in made.answers)
    assert json.dumps(asdict(made.answers[0]))


def _facts_of(plan, segment):
    return SegmentFacts(**scene_facts(render(plan, segment)), build_id="", wall_s=0.0)

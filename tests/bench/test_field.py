"""Minutes of words in noise on the board: every score is the host's, every word accounted for."""

from __future__ import annotations

import shutil

import pytest

from harness.bench_file import Bench
from harness.boards.emulated import EmulatedBoard
from harness.boards.qemu.clock import TimingParameters
from harness.layout import RECORDINGS
from harness.measure.retry import Retries
from harness.records.field_record import FieldRecord, FieldVariant
from harness.runs.field.clips import classify_clips
from harness.runs.field.host import Host
from harness.runs.field.paths import FieldPaths
from harness.runs.field.playing import Player, read_facts
from harness.runs.field.publishing import compute_figures
from harness.sound.conditions import Condition
from harness.sound.planning import make_plan
from harness.sound.playback_plan import PlanOptions
from harness.stats.matching import is_keyword

AUDIO_S = 100.0
CONDITIONS = (Condition("as recorded"), Condition("5 dB", snr_db=5.0, noise="babble"))


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Every keyword under both conditions; `test_listening` has the other words."""
    words = tmp_path_factory.mktemp("words")
    for word in ("yes", "no"):
        shutil.copytree(RECORDINGS / word, words / word)
    return make_plan(words, PlanOptions(repeats=1, conditions=CONDITIONS, segment_s=60.0))


def row_of(board, firmware, model, store, plan, where) -> FieldVariant:
    """Play a plan to the board and compute the row of the model."""
    paths, retries = FieldPaths(where), Retries()
    player = Player(board, firmware, model, plan, Bench(), paths, store, retries)
    host = Host(model, plan, paths, store, everything=True)
    clips, _ = classify_clips(board, firmware, model, plan, paths, store, retries)
    for segment in plan.segments:
        player.play(segment)
        host.listen(segment, read_facts(paths, model.id, segment.number))
    row = FieldVariant(model.id, model.title, list(model.labels), clips=clips)
    record = FieldRecord({}, {}, {}, board.describe(), {}, [], [], [], [], threshold=None, window_s=1.0)
    return compute_figures(paths, plan, row, record)


@pytest.fixture(scope="module")
def heard(board, firmware, model, bench_run, plan, tmp_path_factory) -> FieldVariant:
    if board.describe().clock == "measured":
        pytest.skip("the host does not have the sound that a real board hears")
    return row_of(board, firmware, model, bench_run.store, plan, tmp_path_factory.mktemp("field"))


@pytest.mark.slow
def test_every_score_is_the_hosts(heard, model):
    assert sum(segment.audio_s for segment in heard.segments) >= AUDIO_S
    assert [segment.note for segment in heard.segments if segment.note] == []
    reference = heard.reference
    assert reference.inferences == heard.timing.inferences
    if model.precision == "int8":
        assert (reference.equal, reference.max_difference) == (reference.inferences, 0)
    else:  # sums are not taken in the same order, and a score is cut off at a whole number
        assert reference.max_difference <= 1
        assert reference.equal >= 0.999 * reference.inferences


@pytest.mark.slow
def test_host_recognizer_agrees_with_the_board(heard):
    assert not any("detections differ" in note for note in heard.notes)


@pytest.mark.slow
def test_every_clip_is_answered_as_by_the_host(heard):
    assert len(heard.clips) == len(heard.stimuli) / len(CONDITIONS) == 20
    assert all(clip.board_equals_host for clip in heard.clips)


@pytest.mark.slow
def test_every_missed_keyword_has_a_cause_and_noise_adds_misses(heard):
    keywords = [word for word in heard.stimuli if is_keyword(word.label)]
    missed = {name.name: [] for name in CONDITIONS}
    for word in keywords:
        assert bool(word.cause) != word.correct
        if not word.correct:
            missed[word.condition].append(word.cause)
    assert len(missed["as recorded"]) <= 0.25 * len(keywords) / 2
    assert len(missed["as recorded"]) < len(missed["5 dB"])


@pytest.mark.slow
def test_words_missed_by_a_slow_board_have_that_cause(board, model, bench_run, tmp_path):
    """The same processor with a flash of 250 wait states: one inference a second, and lost audio."""
    if board.name != EmulatedBoard.name:
        pytest.skip("a real board cannot be slowed down")
    few = make_plan(RECORDINGS, PlanOptions(quick=True), ("yes", "no"))
    with EmulatedBoard(timing=TimingParameters(icache=False, wait_states=250)) as slow:
        firmware = slow.build(model, bench_run.setup.engine)
        row = row_of(slow, firmware, model, bench_run.store, few, tmp_path)
    missed = [word for word in row.stimuli if is_keyword(word.label) and not word.correct]
    assert row.timing.period_ms_median > 450
    assert len(missed) >= 10
    assert sum(word.cause == "latency" for word in missed) >= len(missed) - 2
    assert row.timing.samples_lost > 16_000

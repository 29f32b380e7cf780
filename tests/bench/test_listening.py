"""A board listens to the default recordings: every stage is timed, every word accounted for."""

from __future__ import annotations

from harness.measure.session import INVOCATIONS
from harness.records.record import STAGES
from harness.stats.matching import is_keyword


def test_every_stage_of_at_least_300_invocations_is_timed(session):
    assert set(session.stage_us) == set(STAGES)
    assert all(len(values) >= INVOCATIONS for values in session.stage_us.values())
    assert min(session.stage_us["inference"]) > 0


def test_no_record_is_lost(session):
    assert session.listening.complete
    assert session.listening.records_lost == 0


def test_board_reports_the_planned_arena(session, firmware):
    assert session.listening.boot.arena_bytes == firmware.arena_bytes


def test_keywords_are_detected_and_other_words_are_not(bench_run, session, model):
    """The voices are in no training set."""
    stimuli = bench_run.folder.row(model.id).stimuli
    keywords = [stimulus for stimulus in stimuli if is_keyword(stimulus.label)]
    non_keywords = [stimulus for stimulus in stimuli if not is_keyword(stimulus.label)]
    assert sum(stimulus.correct for stimulus in keywords) >= 0.8 * len(keywords)
    assert sum(stimulus.correct for stimulus in non_keywords) >= 0.7 * len(non_keywords)

"""A board listens to the default recordings: every stage timed, every word accounted for."""

from __future__ import annotations

from harness.measure.mcu import STAGES
from harness.measure.session import INVOCATIONS


def test_every_stage_of_at_least_300_invocations_is_timed(session):
    assert set(session.stage_us) == set(STAGES)
    assert all(len(values) >= INVOCATIONS for values in session.stage_us.values())
    assert min(session.stage_us["inference"]) > 0


def test_nothing_is_lost_on_the_way(session):
    assert session.listening.complete
    assert session.listening.records_lost == 0


def test_the_board_tells_the_arena_that_was_planned(session, firmware):
    assert session.listening.boot.arena_bytes == firmware.arena_bytes


def test_most_keywords_are_heard_and_no_other_word_is_taken_for_one(night, session, model):
    """Twenty keywords of voices that are in no training set; a chance level would be one in four."""
    row = night.row(model.id)
    keywords = [stimulus for stimulus in row.stimuli if stimulus.label not in ("silence", "unknown")]
    others = [stimulus for stimulus in row.stimuli if stimulus.label in ("silence", "unknown")]
    assert sum(stimulus.correct for stimulus in keywords) >= 0.8 * len(keywords)
    assert sum(stimulus.correct for stimulus in others) >= 0.8 * len(others)

"""The gain of tuning in the record of a field run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_segments import LABELS, VARIANT, segment, word

from harness.boards.emulated import EmulatedBoard
from harness.errors import UsageError
from harness.recognizer import DEFAULT
from harness.records.field_record import FieldRecord, FieldVariant
from harness.runs.field import publishing
from harness.runs.field.paths import FieldPaths
from harness.runs.field.publishing import compute_figures
from harness.runs.field.tuning import tune_log, tuning_row
from harness.stats.segment import Gap
from harness.stats.tuning.limits import Limits
from harness.stats.tuning.log import Log, read_log


def logged(*speakers: str, label: str = "yes") -> Log:
    """Return a log in which each speaker says a word that has high scores for 0.4 s only."""
    segments = []
    for number, speaker in enumerate(speakers, start=1):
        words = [word(label, 2.0 + 4 * place, speaker=speaker) for place in range(4)]
        says = [("yes", 2200 + 4000 * place, 2600 + 4000 * place) for place in range(4)]
        segments.append(segment(words, says, number=number))
    return read_log(LABELS, segments, 1.0)


def test_the_gain_is_of_speakers_that_the_search_did_not_know():
    row = tuning_row(VARIANT, logged("anna", "ben", "cleo", "dan"), DEFAULT)
    assert row.recognizer is not None and row.recognizer.window_ms < 1000 and row.speakers == 4
    assert (row.present.misses, row.tuned.misses, row.tuned.keywords) == (16, 0, 16)
    assert row.gain[0] == 1.0 and row.reason == ""


def test_a_board_that_is_tuned_already_gains_nothing():
    speakers = logged("anna", "ben", "cleo", "dan")
    found = tuning_row(VARIANT, speakers, DEFAULT).recognizer
    assert tuning_row(VARIANT, speakers, replace(found, suppression_ms=1500)).gain[0] == 0.0


@pytest.mark.parametrize(
    ("speakers", "label", "present", "reason"),
    [
        (("anna",), "yes", DEFAULT, "some keyword has too few named speakers"),
        (("",), "yes", DEFAULT, "some keyword has too few named speakers"),
        (("anna", "ben"), "unknown", DEFAULT, "no keyword was played"),
        (("anna", "ben"), "no", DEFAULT, "no parameters detect any keyword within the limits"),
    ],
)
def test_a_gain_that_cannot_be_known_has_its_reason(speakers, label, present, reason):
    row = tuning_row(VARIANT, logged(*speakers, label=label), present)
    assert row.reason.startswith(reason) and row.gain is None and row.tuned is None


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        ([(2200, 2600), (60_000, 60_400)], r"Give `--false-accepts [\d.]+/h`, or train a better model\."),
        ([(60_000, 60_400)], r"\. Train a better model\."),
    ],
)
def test_the_smallest_limits_with_which_a_keyword_is_detected_are_named(says, remedy):
    """The model hears "yes" in noise, and as long in the word or not at all."""
    noisy = segment([word("yes", 2.0)], [("yes", *times) for times in says], audio_s=120.0)
    with pytest.raises(UsageError, match=rf"no parameters detect any keyword.*{remedy}"):
        tune_log(VARIANT, read_log(LABELS, [noisy], 1.0), Limits())


def test_a_log_without_keyword_free_audio_has_a_reason():
    """The windows of the words touch, and a record is lost before the first."""
    words = [word("yes", 2.0 + 2.5 * place, speaker=f"speaker {place % 4}") for place in range(12)]
    says = [("yes", 2000 + 2500 * place, 2600 + 2500 * place) for place in range(12)]
    lossy = segment(words, says, audio_s=31.0, gaps=(Gap(0.0, 0.9, "1 record lost"),))
    row = tuning_row(VARIANT, read_log(LABELS, [lossy], 2.0), DEFAULT)
    assert row.reason.startswith("no keyword-free audio was played") and row.gain is None


def test_a_run_has_the_gain_unless_its_log_is_long(plan, model, player_of, tmp_path, monkeypatch):
    paths = FieldPaths(tmp_path)
    with EmulatedBoard() as board:
        player = player_of(board, plan, paths)
        for segment in plan.segments:
            player.play(segment)
        board_row = board.describe()
    record = FieldRecord({}, {}, {}, board_row, {}, [], [], [], [], threshold=None, window_s=1.0)
    variant = FieldVariant(model.id, model.title, list(model.labels))
    found = compute_figures(paths, plan, variant, record).tuning
    assert found is not None and (found.gain or found.reason)
    monkeypatch.setattr(publishing, "MOST_TUNED_S", 1.0)
    long = compute_figures(paths, plan, variant, record).tuning
    assert long is not None and long.reason.startswith("the log has more than")

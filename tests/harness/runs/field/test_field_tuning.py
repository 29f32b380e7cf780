"""The gain of tuning in the record of a field run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_segments import LABELS, segment, word

from harness.recognizer import DEFAULT
from harness.runs.field.tuning import LoggedVariant, tuning_row
from harness.stats.tuning import read_log


def logged(*speakers: str, label: str = "yes") -> LoggedVariant:
    """Return a log in which each speaker says a word that has high scores for 0.4 s only."""
    segments = []
    for number, speaker in enumerate(speakers, start=1):
        words = [word(label, 2.0 + 4 * place, speaker=speaker) for place in range(4)]
        says = [("yes", 2200 + 4000 * place, 2600 + 4000 * place) for place in range(4)]
        segments.append(segment(words, says, number=number))
    return LoggedVariant("tiny", "Tiny", read_log(LABELS, segments, 1.0))


def test_the_gain_is_of_speakers_that_the_search_did_not_know():
    row = tuning_row(logged("anna", "ben", "cleo", "dan"), DEFAULT)
    assert row.recognizer is not None and row.recognizer.window_ms < 1000 and row.speakers == 4
    assert (row.present.misses, row.tuned.misses, row.tuned.keywords) == (16, 0, 16)
    assert row.gain[0] == 1.0 and row.reason == ""


def test_a_board_that_is_tuned_already_gains_nothing():
    speakers = logged("anna", "ben", "cleo", "dan")
    found = tuning_row(speakers, DEFAULT).recognizer
    assert tuning_row(speakers, replace(found, suppression_ms=1500)).gain[0] == 0.0


@pytest.mark.parametrize(
    ("speakers", "label", "present", "reason"),
    [
        (("anna",), "yes", DEFAULT, "all keywords are of one speaker"),
        (("anna", "ben"), "unknown", DEFAULT, "no keyword was played"),
        (("anna", "ben"), "no", DEFAULT, "no parameters detect any keyword within the limits"),
    ],
)
def test_a_gain_that_cannot_be_known_has_its_reason(speakers, label, present, reason):
    row = tuning_row(logged(*speakers, label=label), present)
    assert row.reason.startswith(reason) and row.gain is None and row.tuned is None

"""The sentences and the page of tuned recognizers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_segments import LABELS, segment, word

from harness.records.field_record import DetPoint
from harness.report.pages.tuning import TunedVariant, render_tuning, sentences
from harness.stats.tuning import HeldOut, Limits, Tuning, read_log, tune

WITHIN = DetPoint(0, 1, 6, false_accepts=0, hours=0.2, accepted_non_keywords=1, non_keywords=8)


@pytest.fixture(scope="module")
def tuning() -> Tuning:
    """Return a tuning to 4 words of as many speakers, without a false accept and with 15 % of other words."""
    labels = ("yes", "no", "yes", "no")
    words = [
        replace(word(label, 3.0 * place + 1), speaker=f"speaker {place}")
        for place, label in enumerate(labels)
    ]
    says = [(label, 3000 * place + 1300, 3000 * place + 1600) for place, label in enumerate(labels)]
    found = tune(read_log(LABELS, [segment(words, says, audio_s=60.0)], 1.0), Limits())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("changes", "exceeded"),
    [
        ({}, ""),
        ({"false_accepts": 2}, "2 false accepts in 12.0 min, 0 allowed"),
        ({"accepted_non_keywords": 2}, "25.0 % of other words, 15 % allowed"),
        (
            {"false_accepts": 1, "accepted_non_keywords": 8},
            "1 false accept in 12.0 min, 0 allowed; 100 % of other words, 15 % allowed",
        ),
    ],
)
def test_limits_that_are_exceeded_on_speakers_held_out_are_named(tuning, tmp_path, changes, exceeded):
    held = HeldOut(replace(WITHIN, **changes), WITHIN, (0.1, 0.05, 0.2))
    variant = TunedVariant("tiny", "Tiny", replace(tuning, held_out=held))
    said = " ".join(sentences(variant)).replace("\u00a0", " ")
    sentence = f"Held out, tuned recognizers exceed your limits: {exceeded}."
    assert sentence in said if exceeded else "exceed" not in said
    page = render_tuning([variant], "", tmp_path).read_text().replace("\u00a0", " ")
    assert (sentence in page) == bool(exceeded)


def test_words_without_a_speaker_s_name_are_not_held_out_from_each_other():
    """As of `earshot listen --say` without --speaker: all words are of one person."""
    words = [word("yes", 2.0 + 4 * place) for place in range(8)]
    says = [("yes", 2200 + 4000 * place, 2600 + 4000 * place) for place in range(8)]
    tuning = tune(read_log(LABELS, [segment(words, says, audio_s=40.0)], 1.0), Limits())
    first, never, last = sentences(TunedVariant("tiny", "Tiny", tuning))
    assert never.startswith("It never detects no (threshold 255): play recordings of every keyword")
    assert "detects 8 of 8 keywords" in first and "other words" not in first, "none was played"
    assert last == "Nothing could be held out: the recordings of keywords name too few speakers."

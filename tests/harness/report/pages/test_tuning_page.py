"""The sentences and the page of tuned recognizers."""

from __future__ import annotations

import re
from dataclasses import replace

import matplotlib
import pytest
from made_segments import LABELS, segment, word

from harness.records.field_record import DetPoint
from harness.report.pages import tuning_plots
from harness.report.pages.tuning import TunedVariant, render_tuning, sentences, summary_table
from harness.report.plot import STYLE
from harness.stats.tuning.choice import HeldOut, Tuning, tune
from harness.stats.tuning.limits import Limits
from harness.stats.tuning.log import read_log

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
    assert last == "Nothing could be held out: some keyword has too few named speakers."


@pytest.mark.parametrize(
    ("limits", "wider", "sentence"),
    [
        (
            Limits(),
            [Limits(54.0), Limits(None, 0.4)],
            "It never detects yes (31 played) within the limits. "
            "With `--false-accepts 54/h` or `--other-words 40%` it detects some words of every keyword.",
        ),
        (
            Limits(2.0),
            [Limits(12.5, 0.4)],
            "It never detects yes (31 played) within the limits. "
            "With `--false-accepts 12.5/h --other-words 40%` it detects some words of every keyword.",
        ),
        (
            Limits(),
            [],
            "It never detects yes (31 played) within the limits. No limits change that: train a better "
            "model.",
        ),
    ],
)
def test_a_keyword_that_cannot_keep_a_limit_is_named_with_options_to_paste(
    tuning, tmp_path, limits, wider, sentence
):
    chosen = replace(tuning.chosen, point=WITHIN)
    changed = replace(tuning, limits=limits, chosen=chosen, undetected={"yes": 31}, wider_limits=wider)
    variant = TunedVariant("tiny", "Tiny", changed)
    assert sentence in [one.replace("\u00a0", " ") for one in sentences(variant)]
    assert variant.refusal == "it never detects yes"
    page = render_tuning([variant], "", tmp_path).read_text()
    assert "For the bench file" not in page


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(), "no false accept in the logs, and at most 15 % of other words taken for a keyword."),
        (
            Limits(20.0, 0.05),
            "at most 20 false accepts per hour (upper end of the 95 % interval), and at most 5 %",
        ),
    ],
)
def test_the_page_names_the_limits_and_links_the_runs(tuning, tmp_path, limits, sentence):
    variant = TunedVariant("tiny", "Tiny", replace(tuning, limits=limits))
    page = render_tuning([variant], "", tmp_path / "tuning", [tmp_path / "field" / "a b"]).read_text()
    assert sentence in page.replace("\u00a0", " ")
    assert '<a href="../field/a%20b/field.html">a b</a>.' in page


@pytest.mark.parametrize(
    ("default", "gain", "is_refused"),
    [
        (WITHIN, (-0.07, -0.2, 0.04), True),
        (WITHIN, (0.0, -0.1, 0.1), True),
        (WITHIN, (0.05, -0.1, 0.2), False),
        (replace(WITHIN, false_accepts=5), (-0.07, -0.2, 0.04), False),
    ],
)
def test_a_choice_that_the_default_beats_on_speakers_held_out_is_not_worth_writing(
    tuning, default, gain, is_refused
):
    """A default that does not keep the limits is no alternative."""
    changed = replace(
        tuning, default=replace(tuning.default, point=default), held_out=HeldOut(WITHIN, default, gain)
    )
    variant = TunedVariant("tiny", "Tiny", changed)
    assert bool(variant.refusal) == is_refused
    said = "The default keeps the limits and detects no fewer of them: keep the default."
    assert (said in sentences(variant)) == is_refused


def test_the_table_fits_a_terminal_of_120_columns(tuning):
    many = DetPoint(
        0, 1234, 5678, false_accepts=123, hours=12.3, accepted_non_keywords=1234, non_keywords=5678
    )
    interval = (0.123, 0.234)
    changed = replace(
        tuning,
        chosen=replace(tuning.chosen, point=many, detected=interval, accepted=interval),
        default=replace(tuning.default, detected=interval, accepted=interval),
        held_out=HeldOut(many, many, (0.0, -0.1, 0.1)),
    )
    titles = ("Tiny", "TinyConv, int8 by quantization-aware training")
    heading, header, *rows = (
        summary_table([TunedVariant(title, title, changed) for title in titles]).aligned().splitlines()
    )
    assert heading == "Variant" and [rows[0], rows[5]] == [*titles]
    assert re.split("  +", header.strip()) == [
        "Recognizer",
        "Detected",
        "Detected, 95 %",
        "False accepts",
        "per hour, 95 %",
        "Other words",
        "Other words, 95 %",
    ]
    assert max(map(len, [header, *rows])) <= 120
    assert len(rows) == 10 and all(len(row) == len(header) for row in (*rows[1:5], *rows[6:]))


def test_markers_at_one_place_are_both_seen_and_hide_no_label(tuning):
    """Chosen and default miss half of the words, without a false accept and without another word."""
    point = DetPoint(0, 2, 4, false_accepts=0, hours=0.2, accepted_non_keywords=0, non_keywords=4)
    chosen, default = (replace(one, point=point) for one in (tuning.chosen, tuning.default))
    with matplotlib.rc_context(STYLE):
        figure = tuning_plots.draw(replace(tuning, chosen=chosen, default=default))
        figure.draw_without_rendering()
        for axes in figure.axes:
            circle, diamond = (
                next(line for line in axes.lines if line.get_marker() == marker).get_window_extent()
                for marker in ("o", "D")
            )
            assert circle.width > 1.6 * diamond.width
            labels = [label.get_window_extent() for label in axes.get_yticklabels() if label.get_text()]
            assert labels and not any(label.overlaps(circle) for label in labels)
        assert figure.axes[0].yaxis.get_label().get_window_extent().x0 >= 0

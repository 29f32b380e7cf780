from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_segments import LABELS, VARIANT, stimulus

from harness.records.field_record import CAUSES, FieldVariant
from harness.records.record import LabelCount, ModelRow
from harness.stats.field.breakdowns import (
    NONE,
    by_condition,
    by_label,
    by_speaker,
    by_word,
    confusions,
    drops,
)
from harness.stats.field.causes import count_causes
from harness.stats.field.comparing import compared
from harness.stats.pairing import mcnemar
from harness.stats.statistics import difference_interval

HEARD = [
    stimulus("yes", "yes", speaker="bo"),
    stimulus("yes", "no", speaker="al"),
    stimulus("yes", speaker="bo", condition="2 m"),
    stimulus("yes", excluded="1 record lost"),
    stimulus("no", "unknown", condition="2 m"),
    stimulus("unknown", "yes", correct=False, word="dog"),
    stimulus("unknown", correct=True, word="dog"),
]


def rows(groups) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        one.name: (one.rate.correct, one.rate.total, one.confusions, one.misses, one.excluded)
        for one in groups
    }


def test_by_label():
    assert rows(by_label(HEARD, LABELS)) == {
        "silence": (0, 0, 0, 0, 0),
        "unknown": (1, 2, 1, 0, 0),
        "yes": (1, 3, 1, 1, 1),
        "no": (0, 1, 1, 0, 0),
    }


def test_by_condition():
    assert rows(by_condition(HEARD, ["2 m"])) == {"2 m": (0, 2, 1, 1, 0), "quiet": (2, 4, 2, 0, 1)}


def test_by_speaker_the_worst_comes_first_and_who_is_not_known_last():
    assert [*rows(by_speaker(HEARD))] == ["al", "bo", ""]


def test_a_speaker_of_whom_nothing_counts_comes_after_the_others():
    words = [*HEARD, stimulus(speaker="aa", excluded="lost")]
    assert [*rows(by_speaker(words))] == ["al", "bo", "aa", ""]


def test_by_word():
    assert [*rows(by_word(HEARD))] == ["yes", "no", "dog"]


def test_confusions_with_a_column_for_nothing():
    found = confusions(HEARD, LABELS)
    assert (found.rows, found.columns) == (["unknown", "yes", "no"], [*LABELS, NONE])
    assert found.counts == [[0, 0, 1, 0, 1], [0, 0, 1, 1, 1], [0, 1, 0, 0, 0]]


def test_labels_that_the_model_lacks_have_their_place():
    found = confusions([stimulus("up", "up"), stimulus("up")], ["yes"])
    assert (found.rows, found.columns, found.counts) == (["up"], ["yes", "up", NONE], [[0, 1, 1]])


@given(st.lists(st.builds(stimulus, st.sampled_from(LABELS), st.sampled_from([None, *LABELS]))))
def test_every_word_that_counts_is_in_the_matrix_once(words):
    found = confusions(words, LABELS)
    assert sum(map(sum, found.counts)) == len(words)
    groups = by_label(words)
    assert sum(one.rate.total for one in groups) == len(words)
    assert all(one.confusions + one.misses == one.rate.total - one.rate.correct for one in groups)


MODEL = ModelRow(
    "0",
    1,
    "int8",
    1,
    1,
    {},
    accuracy={
        "training": [LabelCount("silence", 10, 10), LabelCount("yes", 99, 100), LabelCount("no", 90, 100)],
        "testing": [LabelCount("silence", 10, 10), LabelCount("yes", 90, 100), LabelCount("no", 60, 100)],
    },
)
FIELD = [*[stimulus("yes", "yes")] * 30, *[stimulus("yes")] * 10]


def test_the_drop_of_a_label_is_from_each_set():
    yes = {row.label: row for row in drops(FIELD, ["silence", "yes", "no"], MODEL)}["yes"]
    assert (yes.field.correct, yes.field.total) == (30, 40)
    assert {name: one.value for name, one in yes.known.items()} == {"training": 0.99, "testing": 0.9}
    drop, low, high = yes.drop["testing"]
    assert drop == pytest.approx(0.15)
    assert (low, high) == difference_interval((90, 100), (30, 40))


def test_all_together_takes_only_labels_that_were_said():
    *_, together = drops(FIELD, ["silence", "yes", "no"], MODEL)
    assert (together.label, together.field.total, together.known["testing"].value) == ("", 40, 0.9)


def test_of_all_together_a_label_of_which_no_word_counts_is_left_out():
    *_, together = drops([*FIELD, stimulus("no", excluded="lost")], ["yes", "no"], MODEL)
    assert (together.field.total, together.known["testing"].total) == (40, 100)


def test_a_label_that_was_not_said_has_no_drop():
    no = {row.label: row for row in drops(FIELD, ["yes", "no"], MODEL)}["no"]
    assert (no.field.value, no.known["testing"].value, no.drop) == (None, 0.6, {})


def test_words_that_do_not_count_make_no_drop():
    row = drops([stimulus("no", excluded="lost")], ["no"], MODEL)[0]
    assert (row.field.total, row.drop) == (0, {})


def test_without_a_model_there_is_nothing_to_drop_from():
    assert [row.known for row in drops(FIELD, ["yes"], None)] == [{}, {}]


def test_causes_are_counted_of_keywords_that_count():
    words = [
        stimulus(cause="sound"),
        stimulus(detected="no", cause="sound"),
        stimulus(cause="model", excluded="lost"),
        stimulus(cause="model"),
        stimulus(),
        stimulus("unknown", "yes"),
        stimulus(detected="yes"),
    ]
    assert count_causes(words) == {**dict.fromkeys(CAUSES, 0), "sound": 2, "model": 1, "": 1}


# Two variants


def variant(*heard: bool | str, route: str = "pcm") -> FieldVariant:
    """Whether each word was heard; a text is the reason why it counts for nothing."""
    stimuli = [
        stimulus(
            detected="yes" if one is True else None,
            onset_s=float(place),
            excluded=one if isinstance(one, str) else "",
        )
        for place, one in enumerate(heard)
    ]
    return replace(VARIANT, route=route, stimuli=stimuli)


def test_two_variants_are_paired_on_the_same_words():
    found = compared(variant(True, True, True, False), variant(True, False, False, True))
    assert (found.clips, found.only_first, found.only_second) == (4, 2, 1)
    assert found.difference == pytest.approx(0.25)
    assert found.p == mcnemar(2, 1)


def test_words_that_do_not_count_for_one_are_not_compared():
    found = compared(variant(True, "lost", True), variant(True, False, "lost"))
    assert (found.clips, found.only_first, found.only_second) == (1, 0, 0)


def test_routes_are_not_mixed():
    assert compared(variant(True), variant(True, route="acoustic")) is None


def test_without_words_in_common_there_is_nothing_to_compare():
    assert compared(variant("lost"), variant(True)) is None

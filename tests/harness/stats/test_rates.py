from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_segments import LABELS, VARIANT, segment, stimulus

from harness.records.field_record import CAUSES, FieldFalseAccept, FieldStimulus, FieldVariant
from harness.records.record import LabelCount, ModelRow, StimulusRow
from harness.stats.pairing import mcnemar
from harness.stats.rates import (
    NONE,
    Mistaken,
    compare,
    confusions,
    count_causes,
    dataset_rates,
    delays,
    false_accept_rate,
    mistaken,
    rate,
    rate_drop,
    rates_by,
    speakers_interval,
)
from harness.stats.statistics import difference_interval, poisson_interval

WORDS = [
    stimulus("yes", "yes"),
    stimulus("yes", "no"),
    stimulus("yes", condition="2 m"),
    stimulus("yes", excluded="1 record lost"),
    stimulus("no", "unknown", condition="2 m"),
    stimulus("unknown", "yes", correct=False, word="dog"),
    stimulus("unknown", correct=True, word="dog"),
]


def groups(key, names=()) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        one.name: (one.rate.correct, one.rate.total, one.confusions, one.misses, one.excluded)
        for one in rates_by(WORDS, key, names)
    }


def test_rates_by_label_and_by_condition():
    assert groups(lambda row: row.label, LABELS) == {
        "silence": (0, 0, 0, 0, 0),
        "unknown": (1, 2, 1, 0, 0),
        "yes": (1, 3, 1, 1, 1),
        "no": (0, 1, 1, 0, 0),
    }
    by_condition = groups(lambda row: row.condition, ["2 m"])
    assert by_condition == {"2 m": (0, 2, 1, 1, 0), "quiet": (2, 4, 2, 0, 1)}
    assert [*by_condition] == ["2 m", "quiet"]


def test_interval_over_speakers_is_wider_where_their_words_depend_on_each_other():
    def spoken(right: list[int]) -> list[FieldStimulus]:
        """Return ten words of each speaker, the first so many right."""
        return [
            stimulus("yes", "yes" if word < count else None, speaker=f"speaker {place}")
            for place, count in enumerate(right)
            for word in range(10)
        ]

    unlike, alike = (speakers_interval(spoken(right)) for right in ([0, 10, 0, 10, 5], [5] * 5))
    words = rate(25, 50)
    assert unlike[0] == alike[0] == 5
    assert alike[1:] == (0.5, 0.5)
    assert unlike[1] < words.low < words.high < unlike[2]


@pytest.mark.parametrize("words", [[], [("anna", "yes"), ("anna", None)], [("anna", None), ("ben", None)]])
def test_without_two_speakers_who_differ_there_is_no_interval_over_speakers(words):
    rows = [stimulus("yes", detected, speaker=speaker) for speaker, detected in words]
    assert speakers_interval([*rows, stimulus("yes", "yes")]) is None


def test_confusions_have_a_column_for_no_detection():
    rows, columns, counts = confusions(WORDS, LABELS)
    assert (rows, columns) == (["unknown", "yes", "no"], [*LABELS, NONE])
    assert counts == [[0, 0, 1, 0, 1], [0, 0, 1, 1, 1], [0, 1, 0, 0, 0]]


@given(st.lists(st.builds(stimulus, st.sampled_from(LABELS), st.sampled_from([None, *LABELS]))))
def test_every_word_is_counted_once(words):
    assert sum(map(sum, confusions(words, LABELS)[2])) == len(words)
    by_label = rates_by(words, lambda row: row.label)
    assert sum(one.rate.total for one in by_label) == len(words)
    assert all(one.confusions + one.misses == one.rate.total - one.rate.correct for one in by_label)


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


def test_data_set_rates_are_of_the_wanted_labels():
    assert {name: one.value for name, one in dataset_rates(MODEL, ["yes"]).items()} == {
        "training": 0.99,
        "testing": 0.9,
    }
    assert dataset_rates(MODEL, ["yes", "no"])["testing"].value == 0.75
    assert dataset_rates(None, ["yes"]) == dataset_rates(MODEL, ["up"]) == {}


def test_the_drop_has_newcombes_interval():
    assert rate_drop(rate(90, 100), rate(30, 40)) == pytest.approx(
        (0.15, *difference_interval((90, 100), (30, 40)))
    )
    assert rate_drop(rate(90, 100), rate(0, 0)) is None


def with_accepts(*accepts: tuple[str, bool]) -> FieldVariant:
    hours = {"quiet": 1.0, "loud": 0.5}
    return replace(
        VARIANT,
        segments=[
            replace(segment().row, condition=name, keyword_free_s=3600 * part) for name, part in hours.items()
        ],
        false_accepts=[FieldFalseAccept("yes", 210, 5.0, 1, name, within) for name, within in accepts],
    )


def test_false_accepts_are_counted_in_keyword_free_time_only():
    found = false_accept_rate(with_accepts(("quiet", False), ("loud", False), ("loud", True)))
    assert (found.events, found.hours) == (2, 1.5)
    assert found.per_hour == pytest.approx(2 / 1.5)
    assert (found.low, found.high) == poisson_interval(2, 1.5)
    found = false_accept_rate(with_accepts(("quiet", False), ("loud", False)), "loud")
    assert (found.events, found.hours) == (1, 0.5)


def test_no_false_accepts_give_an_upper_bound_and_no_time_gives_no_rate():
    found = false_accept_rate(with_accepts())
    assert (found.per_hour, found.low, found.high) == (0.0, 0.0, 2.0)
    assert false_accept_rate(VARIANT).per_hour is None


def test_the_delay_is_of_right_keywords():
    words = [
        stimulus(detected="yes", delay_s=-0.1),
        stimulus(detected="yes", delay_s=0.2),
        stimulus(detected="yes", delay_s=0.5),
        stimulus(detected="no", delay_s=0.9),
        stimulus(detected="yes", delay_s=0.8, excluded="lost"),
        stimulus(),
    ]
    assert delays(words) == (0.2, pytest.approx(0.47))
    assert delays([stimulus("unknown", "unknown"), stimulus()]) is None


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


def variant(*results: bool | str) -> FieldVariant:
    """Return a variant with right, wrong, and (by a reason) excluded words."""
    stimuli = [
        stimulus(
            detected="yes" if one is True else None,
            onset_s=float(place),
            excluded=one if isinstance(one, str) else "",
        )
        for place, one in enumerate(results)
    ]
    return replace(VARIANT, stimuli=stimuli)


def test_variants_are_compared_on_the_words_that_count_for_both():
    found = compare(variant(True, True, True, False), variant(True, False, False, True))
    assert (found.clips, found.only_first, found.only_second) == (4, 2, 1)
    assert (found.difference, found.p) == (pytest.approx(0.25), mcnemar(2, 1))
    found = compare(variant(True, "lost", True), variant(True, False, "lost"))
    assert (found.clips, found.only_first, found.only_second) == (1, 0, 0)


def test_variants_without_words_in_common_are_not_compared():
    assert compare(variant("lost"), variant(True)) is None


def spoken(yes: dict[str, int], times: int = 1) -> list[StimulusRow]:
    """Return recordings of "yes" with their detections: how many of each, each played several times."""
    detections = [name for name, count in yes.items() for _ in range(count)]
    return [
        StimulusRow("yes", "yes", f"{place}.wav", 0, 1, name or None, None, None, name == "yes")
        for place, name in enumerate(detections)
        for _ in range(times)
    ]


def test_a_keyword_that_is_mostly_detected_as_another_one_is_found():
    assert mistaken(spoken({"no": 8, "yes": 1, "": 3})) == [Mistaken("yes", "no", 8, 1)]
    assert mistaken(spoken({"no": 5})) == [Mistaken("yes", "no", 5, 0)]


@pytest.mark.parametrize(
    ("yes", "times"),
    [({"no": 1}, 1), ({"no": 1}, 20), ({"no": 4}, 5), ({"no": 6, "yes": 4}, 1), ({"unknown": 9}, 1)],
)
def test_neither_chance_nor_unknown_makes_a_keyword_another_one(yes, times):
    assert mistaken(spoken(yes, times)) == []

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.record import DetectionRow, LabelCount, StimulusRow
from harness.stats.matching import count_by_label, is_keyword, match


@dataclass(frozen=True)
class Word:
    label: str
    onset_s: float
    end_s: float
    word: str = "word"
    source: str = "a.wav"


YES = Word("yes", 2.0, 2.5)
NO = Word("no", 5.0, 5.5)


def heard(words, *detections: DetectionRow, **options) -> list[tuple[str | None, bool]]:
    return [(row.detected, row.correct) for row in match(words, detections, **options).rows]


def test_a_row_has_everything_of_word_and_detection():
    (row,) = match([YES], [DetectionRow("yes", 214, 2.8)]).rows
    assert row == StimulusRow("yes", "word", "a.wav", 2.0, 2.5, "yes", 214, 2.8, correct=True)


def test_a_word_that_nothing_was_heard_for_is_a_miss():
    (row,) = match([YES], []).rows
    assert (row.detected, row.score, row.detected_at_s, row.correct) == (None, None, None, False)


def test_another_keyword_is_a_confusion():
    assert heard([YES], DetectionRow("no", 220, 2.8)) == [("no", False)]


def test_unknown_for_a_keyword_is_a_confusion():
    assert heard([YES], DetectionRow("unknown", 220, 2.8)) == [("unknown", False)]


@pytest.mark.parametrize(("at_s", "label"), [(1.99, None), (2.0, "yes"), (3.5, "yes"), (3.51, None)])
def test_a_detection_counts_from_the_onset_to_the_tolerance_behind_the_end(at_s, label):
    assert heard([YES], DetectionRow("yes", 214, at_s))[0][0] == label


def test_the_tolerance_can_be_chosen():
    assert heard([YES], DetectionRow("yes", 214, 4.0), tolerance_s=1.5) == [("yes", True)]


def test_a_keyword_outside_of_every_word_is_a_false_accept():
    stray = DetectionRow("yes", 210, 4.0)
    assert match([YES, NO], [stray]).false_accepts == [stray]


def test_a_second_keyword_for_a_word_is_a_false_accept():
    first, second = DetectionRow("yes", 214, 2.4), DetectionRow("yes", 230, 2.9)
    result = match([YES], [first, second])
    assert (result.rows[0].detected_at_s, result.false_accepts) == (2.4, [second])


def test_the_nearest_is_taken_whatever_its_label():
    result = match([YES], [DetectionRow("no", 230, 2.4), DetectionRow("yes", 214, 2.9)])
    assert (result.rows[0].detected, result.rows[0].correct) == ("no", False)
    assert result.false_accepts == [DetectionRow("yes", 214, 2.9)]


@pytest.mark.parametrize("at_s", [2.4, 2.9])
def test_what_is_not_to_be_spotted_hides_no_keyword(at_s):
    result = match([YES], [DetectionRow("unknown", 230, at_s), DetectionRow("yes", 214, 2.7)])
    assert (result.rows[0].detected, result.false_accepts) == ("yes", [])


def test_between_two_words_the_nearer_one_gets_it():
    close = Word("no", 3.0, 3.3)
    assert heard([YES, close], DetectionRow("no", 214, 3.1)) == [(None, False), ("no", True)]


def test_a_detection_belongs_to_one_word_only():
    twice = [YES, Word("yes", 2.0, 2.5)]
    assert heard(twice, DetectionRow("yes", 214, 2.6)) == [("yes", True), (None, False)]


@pytest.mark.parametrize("label", ["unknown", "silence", "_unknown_", "Silence"])
@pytest.mark.parametrize(("detection", "correct"), [(None, True), ("unknown", True), ("yes", False)])
def test_where_nothing_is_to_be_spotted_only_a_keyword_is_wrong(label, detection, correct):
    detections = [DetectionRow(detection, 220, 2.3)] if detection else []
    assert heard([Word(label, 2.0, 2.5)], *detections) == [(detection, correct)]


def test_a_stray_unknown_is_no_false_accept():
    assert match([YES], [DetectionRow("unknown", 220, 4.2)]).false_accepts == []


def test_nothing_played_and_something_heard():
    assert match([], [DetectionRow("yes", 220, 1.0)]).false_accepts == [DetectionRow("yes", 220, 1.0)]


def test_the_table_has_the_labels_in_their_order():
    rows = match([NO, YES, YES], [DetectionRow("no", 220, 5.2)]).rows
    assert count_by_label(rows, ["silence", "yes", "no"]) == [
        LabelCount("silence", 0, 0),
        LabelCount("yes", 0, 2),
        LabelCount("no", 1, 1),
    ]


labels = st.sampled_from(["silence", "unknown", "yes", "no"])
words = st.lists(
    st.builds(
        lambda label, onset, length: Word(label, onset / 4, (onset + length) / 4),
        labels,
        st.integers(0, 80),
        st.integers(0, 8),
    ),
    max_size=8,
)
detections = st.lists(
    st.builds(DetectionRow, labels, st.integers(0, 255), st.integers(0, 90).map(lambda q: q / 4)), max_size=8
)


@given(words, detections)
def test_every_keyword_heard_is_either_of_a_word_or_a_false_accept(words, detections):
    result = match(words, detections)
    assigned = [
        DetectionRow(row.detected, row.score, row.detected_at_s) for row in result.rows if row.detected
    ]
    keywords = [heard for heard in [*assigned, *result.false_accepts] if is_keyword(heard.label)]
    assert sorted(keywords, key=repr) == sorted((h for h in detections if is_keyword(h.label)), key=repr)


@given(words, detections)
def test_what_a_word_is_given_lies_in_its_window(words, detections):
    for word, row in zip(words, match(words, detections).rows, strict=True):
        assert (row.label, row.onset_s, row.end_s) == (word.label, word.onset_s, word.end_s)
        assert row.detected_at_s is None or word.onset_s <= row.detected_at_s <= word.end_s + 1.0


@given(words, detections)
def test_no_word_goes_without_a_detection_that_nobody_else_has(words, detections):
    result = match(words, detections)
    for row in result.rows:
        if row.detected is None:
            assert not any(row.onset_s <= free.at_s <= row.end_s + 1.0 for free in result.false_accepts)


@given(words, detections)
def test_a_keyword_is_correct_exactly_if_it_is_what_was_heard(words, detections):
    for row in match(words, detections).rows:
        if is_keyword(row.label):
            assert row.correct == (row.detected == row.label)
        else:
            assert row.correct == (row.detected is None or not is_keyword(row.detected))


@given(words, st.lists(st.integers(0, 90), unique=True, max_size=8), st.randoms())
def test_the_order_of_detections_does_not_matter(words, quarters, random):
    detections = [DetectionRow("yes", 200, quarter / 4) for quarter in quarters]
    shuffled = list(detections)
    random.shuffle(shuffled)
    assert match(words, detections).rows == match(words, shuffled).rows

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.record import DetectionRow
from harness.stats.matching import is_keyword, match


@dataclass(frozen=True)
class Word:
    label: str
    onset_s: float
    end_s: float
    word: str = "word"
    source: str = "a.wav"


YES = Word("yes", 2.0, 2.5)
NO = Word("no", 5.0, 5.5)


def detected(words, *detections: DetectionRow, **options) -> list[tuple[str | None, bool]]:
    return [(row.detected, row.correct) for row in match(words, detections, **options).rows]


@pytest.mark.parametrize(("at_s", "label"), [(1.99, None), (2.0, "yes"), (3.5, "yes"), (3.51, None)])
def test_a_detection_counts_from_the_onset_to_the_tolerance_after_the_end(at_s, label):
    assert detected([YES], DetectionRow("yes", 214, at_s))[0][0] == label


def test_a_keyword_outside_of_all_words_or_a_second_one_is_a_false_accept():
    outside = DetectionRow("yes", 210, 4.0)
    assert match([YES, NO], [outside]).false_accepts == match([], [outside]).false_accepts == [outside]
    assert match([YES], [DetectionRow("unknown", 220, 4.2)]).false_accepts == []
    first, second = DetectionRow("yes", 214, 2.4), DetectionRow("yes", 230, 2.9)
    result = match([YES], [first, second])
    assert (result.rows[0].detected_at_s, result.false_accepts) == (2.4, [second])


def test_the_nearest_keyword_is_assigned_whatever_its_label():
    result = match([YES], [DetectionRow("no", 230, 2.4), DetectionRow("yes", 214, 2.9)])
    assert (result.rows[0].detected, result.rows[0].correct) == ("no", False)
    assert result.false_accepts == [DetectionRow("yes", 214, 2.9)]


@pytest.mark.parametrize("at_s", [2.4, 2.9])
def test_unknown_hides_no_keyword(at_s):
    result = match([YES], [DetectionRow("unknown", 230, at_s), DetectionRow("yes", 214, 2.7)])
    assert (result.rows[0].detected, result.false_accepts) == ("yes", [])


def test_what_is_detected_once_the_next_word_has_begun_counts_for_that_word_only():
    close = Word("no", 3.0, 3.3)
    assert detected([close, YES], DetectionRow("yes", 214, 2.99)) == [(None, False), ("yes", True)]
    assert detected([YES, close], DetectionRow("no", 214, 3.0)) == [(None, False), ("no", True)]
    second = DetectionRow("yes", 214, 3.4)
    result = match([YES, close], [DetectionRow("no", 214, 3.1), second])
    assert [row.detected for row in result.rows] == [None, "no"] and result.false_accepts == [second]
    assert detected([YES, YES], DetectionRow("yes", 214, 2.6)) == [(None, False), ("yes", True)]


@pytest.mark.parametrize("label", ["unknown", "silence", "_unknown_", "Silence"])
@pytest.mark.parametrize(("detection", "correct"), [(None, True), ("unknown", True), ("yes", False)])
def test_a_non_keyword_is_wrong_only_if_a_keyword_is_detected(label, detection, correct):
    detections = [DetectionRow(detection, 220, 2.3)] if detection else []
    assert detected([Word(label, 2.0, 2.5)], *detections) == [(detection, correct)]


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
def test_every_keyword_belongs_to_a_word_or_is_a_false_accept(words, detections):
    result = match(words, detections)
    assigned = [
        DetectionRow(row.detected, row.score, row.detected_at_s) for row in result.rows if row.detected
    ]
    keywords = [one for one in [*assigned, *result.false_accepts] if is_keyword(one.label)]
    assert sorted(keywords, key=repr) == sorted((h for h in detections if is_keyword(h.label)), key=repr)


@given(words, detections)
def test_an_assigned_detection_lies_in_the_words_window(words, detections):
    for word, row in zip(words, match(words, detections).rows, strict=True):
        assert (row.label, row.onset_s, row.end_s) == (word.label, word.onset_s, word.end_s)
        assert row.detected_at_s is None or word.onset_s <= row.detected_at_s <= word.end_s + 1.0


@given(words, st.lists(st.integers(0, 90), unique=True, max_size=8), st.randoms())
def test_the_order_of_detections_does_not_matter(words, quarters, random):
    detections = [DetectionRow("yes", 200, quarter / 4) for quarter in quarters]
    shuffled = list(detections)
    random.shuffle(shuffled)
    assert match(words, detections).rows == match(words, shuffled).rows

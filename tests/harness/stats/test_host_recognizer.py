"""The recognizer on the host against the board's own code."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recognizer_by_steps import SteppedRecognizer
from recognizer_library import LABELS, RECOGNIZERS, TENSORFLOW, BoardRecognizer

from harness.recognizer import DEFAULT, Recognizer
from harness.stats.recognizer import average, detect

FOUR = 4


def on_the_board(
    times_ms: list[int], scores: list[tuple[int, ...]], silence: int = 0, recognizer: Recognizer = DEFAULT
) -> list[tuple[int, ...]]:
    """Return (time, label, average) of all detections of the board's code."""
    return detections(BoardRecognizer(recognizer, silence), times_ms, scores)


def step_by_step(
    times_ms: list[int], scores: list[tuple[int, ...]], silence: int = 0, recognizer: Recognizer = DEFAULT
) -> list[tuple[int, ...]]:
    return detections(SteppedRecognizer(LABELS[silence], recognizer), times_ms, scores)


def detections(
    recognizer: BoardRecognizer | SteppedRecognizer, times_ms: list[int], scores: list[tuple[int, ...]]
) -> list[tuple[int, ...]]:
    answers = [(now, recognizer.add(now, values)) for now, values in zip(times_ms, scores, strict=True)]
    return [(now, *answer) for now, answer in answers if answer]


def at_once(
    times_ms: list[int], scores: list[tuple[int, ...]], silence: int = 0, recognizer: Recognizer = DEFAULT
) -> list[tuple[int, ...]]:
    averages = average(times_ms, np.array(scores).reshape(-1, FOUR), recognizer)
    found = detect(averages, LABELS[silence], recognizer)
    times = (found.times_ms % 2**32).tolist()
    return [*zip(times, found.labels.tolist(), found.scores.tolist(), strict=True)]


def one_label(label: int, score: int = 255) -> tuple[int, ...]:
    return tuple(score if index == label else 0 for index in range(FOUR))


scores_of_runs = st.lists(
    st.tuples(
        st.sampled_from([one_label(label, 240) for label in range(FOUR)])
        | st.tuples(*[st.integers(0, 255)] * FOUR),
        st.integers(1, 80),
    ),
    max_size=12,
).map(lambda runs: [values for values, length in runs for _ in range(length)])


@st.composite
def logs(draw):
    """Return times, which may wrap, and scores."""
    scores = draw(scores_of_runs)
    periods = draw(st.lists(st.integers(0, 400), min_size=1, max_size=5))
    begin = draw(st.sampled_from([0, 30, 2**32 - 3000]))
    steps = [periods[place % len(periods)] for place in range(len(scores))]
    return [int(time) % 2**32 for time in begin + np.cumsum([0, *steps])[: len(scores)]], scores


@given(logs(), st.sampled_from([*LABELS]), st.sampled_from(RECOGNIZERS))
def test_detections_are_the_boards(log, silence, recognizer):
    """Wherever silence stands among the labels, and without it, for every rule."""
    found = at_once(*log, silence, recognizer)
    assert found == step_by_step(*log, silence, recognizer) == on_the_board(*log, silence, recognizer)


@pytest.mark.parametrize("recognizer", RECOGNIZERS)
def test_detections_are_the_boards_at_the_limits_of_its_times(recognizer):
    values = [one_label(label, 250) for label in (2, 3, 0, 2, 2, 1)]
    for period_ms, length in product([7, 19, 20, 50, 100, 250, 500], [1, 3, 30, 80]):
        log = [*range(0, 200 * period_ms, period_ms)], [values[place // length % 6] for place in range(200)]
        found = at_once(*log, recognizer=recognizer)
        expected = step_by_step(*log, recognizer=recognizer)
        assert found == expected == on_the_board(*log, recognizer=recognizer), (period_ms, length)


recognizers = st.builds(
    Recognizer,
    st.sampled_from(["mean", "exponential"]),
    st.integers(20, 2000),
    st.integers(1, 3),
    st.integers(0, 255),
    st.dictionaries(st.sampled_from(LABELS[0]), st.integers(0, 255)),
    st.integers(0, 10_000),
)


@given(logs(), recognizers)
def test_any_parameters_give_the_same_detections_step_by_step(log, recognizer):
    found = at_once(*log, recognizer=recognizer)
    assert found == step_by_step(*log, recognizer=recognizer)
    thresholds = recognizer.thresholds_of(LABELS[0])
    assert all(score > thresholds[label] and label > 0 for _, label, score in found)


def test_a_keyword_may_be_the_first_label():
    times = [*range(0, 1000, 50)]
    assert at_once(times, [one_label(0)] * len(times), FOUR - 1, TENSORFLOW) == [(250, 0, 255)]


def test_a_long_word_is_detected_again_after_the_suppression():
    times = [*range(0, 4000, 50)]
    found = at_once(times, [one_label(2)] * len(times), recognizer=TENSORFLOW)
    assert [time for time, *_ in found] == [250, 1800, 3350]


@pytest.mark.parametrize("runs", [1, 20])
def test_without_suppression_only_a_second_average_of_a_millisecond_is_no_detection(runs):
    """The runs of one label are detected one by one if they are few, and all at once if they are many."""
    times = [time for time in range(20, 4020, 20) for _ in "ab"]
    scores = [one_label(1 + place * runs // len(times) % 2) for place in range(len(times))]
    every = Recognizer("exponential", 20, 1, threshold=0, suppression_ms=0)
    found = at_once(times, scores, recognizer=every)
    assert [time for time, *_ in found] == times[::2]
    assert found == step_by_step(times, scores, recognizer=every)

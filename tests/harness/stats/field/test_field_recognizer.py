"""The recognizer on the host against the board's own code."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recognizer_by_steps import Recognizer
from sketches.host_library import LIBRARIES, host_library

import harness
from harness.stats.field.recognizer import THRESHOLD, announce, average

LABELS = 4
GLUE = Path(harness.__file__).parents[1] / "tests" / "sketches" / "recognizer_host.cpp"


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return host_library(GLUE, LIBRARIES / "EarshotRecognizer" / "src")


def on_the_board(
    library: ctypes.CDLL, times_ms: list[int], scores: list[tuple[int, ...]]
) -> list[tuple[int, ...]]:
    """(place, label, average) of everything announced."""
    library.recognizer_reset()
    found = []
    for place, (now, values) in enumerate(zip(times_ms, scores, strict=True)):
        answer = library.recognizer_add(ctypes.c_uint32(now), bytes(values))
        if answer >= 0:
            found.append((place, answer & 255, answer >> 8))
    return found


def one_by_one(times_ms: list[int], scores: list[tuple[int, ...]], threshold: int = THRESHOLD) -> list[tuple]:
    recognizer = Recognizer(LABELS, threshold)
    answers = [recognizer.add(now, values) for now, values in zip(times_ms, scores, strict=True)]
    return [(place, *answer) for place, answer in enumerate(answers) if answer]


def at_once(times_ms: list[int], scores: list[tuple[int, ...]], threshold: int = THRESHOLD) -> list[tuple]:
    found = announce(average(times_ms, np.array(scores).reshape(-1, LABELS)), threshold)
    return [*zip(found.places.tolist(), found.labels.tolist(), found.scores.tolist(), strict=True)]


def surely(label: int, score: int = 255) -> tuple[int, ...]:
    return tuple(score if index == label else 0 for index in range(LABELS))


scores_of_runs = st.lists(
    st.tuples(
        st.sampled_from([surely(label, 240) for label in range(LABELS)])
        | st.tuples(*[st.integers(0, 255)] * LABELS),
        st.integers(1, 80),
    ),
    max_size=12,
).map(lambda runs: [values for values, length in runs for _ in range(length)])


@st.composite
def logs(draw):
    """Times, which may wrap, and scores."""
    scores = draw(scores_of_runs)
    periods = draw(st.lists(st.integers(0, 400), min_size=1, max_size=5))
    begin = draw(st.sampled_from([0, 30, 2**32 - 3000]))
    steps = [periods[place % len(periods)] for place in range(len(scores))]
    return [int(time) % 2**32 for time in begin + np.cumsum([0, *steps])[: len(scores)]], scores


@given(logs())
def test_one_by_one_it_is_the_board(library, log):
    assert one_by_one(*log) == on_the_board(library, *log)


@given(logs())
def test_at_once_it_is_the_board(library, log):
    assert at_once(*log) == on_the_board(library, *log)


@pytest.mark.parametrize("period_ms", [7, 19, 20, 50, 100, 250, 500])
@pytest.mark.parametrize("length", [1, 3, 30, 80])
def test_at_the_edges_of_its_times_it_is_the_board(library, period_ms, length):
    values = [surely(label, 250) for label in (2, 3, 0, 2, 2, 1)]
    log = [*range(0, 200 * period_ms, period_ms)], [values[place // length % 6] for place in range(200)]
    assert one_by_one(*log) == at_once(*log) == on_the_board(library, *log)


@given(logs(), st.integers(0, 255))
def test_at_any_threshold_both_are_the_same(log, threshold):
    assert at_once(*log, threshold) == one_by_one(*log, threshold)


@given(logs(), st.integers(0, 254))
def test_the_average_exceeds_the_threshold(log, threshold):
    assert all(score > threshold and label > 0 for _, label, score in at_once(*log, threshold))


def test_of_nothing_nothing_is_announced():
    assert at_once([], []) == one_by_one([], []) == []


def test_a_word_that_goes_on_is_announced_again_after_the_suppression():
    times = [*range(0, 4000, 50)]
    found = at_once(times, [surely(2)] * len(times))
    assert [times[place] for place, *_ in found] == [250, 1800, 3350]


def test_a_lower_threshold_announces_sooner():
    times = [*range(0, 3000, 20)]
    values = [surely(0)] * 50 + [surely(3)] * 100
    first = [times[at_once(times, values, threshold)[0][0]] for threshold in (130, 200, 250)]
    assert first == sorted(first)
    assert len(set(first)) == 3

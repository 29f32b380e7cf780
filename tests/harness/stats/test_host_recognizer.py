"""The recognizer on the host against the board's own code."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from host_library import LIBRARIES, host_library
from hypothesis import given
from hypothesis import strategies as st
from recognizer_by_steps import Recognizer

import harness
from harness.stats.recognizer import THRESHOLD, average, detect

LABELS = 4
GLUE = Path(harness.__file__).parents[1] / "tests" / "sketches" / "recognizer_host.cpp"


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return host_library(GLUE, LIBRARIES / "EarshotRecognizer" / "src")


def on_the_board(
    library: ctypes.CDLL, times_ms: list[int], scores: list[tuple[int, ...]], silence: int = 0
) -> list[tuple[int, ...]]:
    """Return (time, label, average) of all detections of the board's code."""
    library.recognizer_reset()
    found = []
    for now, values in zip(times_ms, scores, strict=True):
        answer = library.recognizer_add(ctypes.c_uint32(now), bytes(values), silence)
        if answer >= 0:
            found.append((now, answer & 255, answer >> 8))
    return found


def step_by_step(
    times_ms: list[int], scores: list[tuple[int, ...]], silence: int = 0, threshold: int = THRESHOLD
) -> list[tuple]:
    recognizer = Recognizer(LABELS, silence, threshold)
    answers = [(now, recognizer.add(now, values)) for now, values in zip(times_ms, scores, strict=True)]
    return [(now, *answer) for now, answer in answers if answer]


def at_once(
    times_ms: list[int], scores: list[tuple[int, ...]], silence: int = 0, threshold: int = THRESHOLD
) -> list[tuple]:
    averages = average(times_ms, np.array(scores).reshape(-1, LABELS))
    found = detect(averages, None if silence < 0 else silence, threshold)
    times = (found.times_ms % 2**32).tolist()
    return [*zip(times, found.labels.tolist(), found.scores.tolist(), strict=True)]


def one_label(label: int, score: int = 255) -> tuple[int, ...]:
    return tuple(score if index == label else 0 for index in range(LABELS))


scores_of_runs = st.lists(
    st.tuples(
        st.sampled_from([one_label(label, 240) for label in range(LABELS)])
        | st.tuples(*[st.integers(0, 255)] * LABELS),
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


@given(logs(), st.sampled_from([0, LABELS - 1, -1]))
def test_detections_are_the_boards(library, log, silence):
    """Wherever silence stands among the labels, and without it."""
    assert at_once(*log, silence) == step_by_step(*log, silence) == on_the_board(library, *log, silence)


@pytest.mark.parametrize("period_ms", [7, 19, 20, 50, 100, 250, 500])
@pytest.mark.parametrize("length", [1, 3, 30, 80])
def test_detections_are_the_boards_at_the_limits_of_its_times(library, period_ms, length):
    values = [one_label(label, 250) for label in (2, 3, 0, 2, 2, 1)]
    log = [*range(0, 200 * period_ms, period_ms)], [values[place // length % 6] for place in range(200)]
    assert step_by_step(*log) == at_once(*log) == on_the_board(library, *log)


@given(logs(), st.integers(0, 255))
def test_any_threshold_gives_the_same_detections_step_by_step(log, threshold):
    found = at_once(*log, threshold=threshold)
    assert found == step_by_step(*log, threshold=threshold)
    assert all(score > threshold and label > 0 for _, label, score in found)


def test_a_keyword_may_be_the_first_label():
    times = [*range(0, 1000, 50)]
    assert at_once(times, [one_label(0)] * len(times), LABELS - 1) == [(250, 0, 255)]


def test_a_long_word_is_detected_again_after_the_suppression():
    times = [*range(0, 4000, 50)]
    assert [time for time, *_ in at_once(times, [one_label(2)] * len(times))] == [250, 1800, 3350]

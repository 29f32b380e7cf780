"""The command recognizer compared with a model of micro_speech's RecognizeCommands."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recognizer_library import TENSORFLOW, BoardRecognizer

from harness.recognizer import DEFAULT

SILENCE, UNKNOWN, YES, NO = range(4)
LABELS = 4
CAPACITY = 52


@dataclass
class Model:
    """RecognizeCommands with lists: average over 1000 ms, threshold 200, suppression 1500 ms, 3 results."""

    results: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    previous: int = SILENCE
    previous_ms: float = float("-inf")

    def add(self, now: int, scores: tuple[int, ...]) -> tuple[int, int] | None:
        self.results.append((now, scores))
        window = [result for result in self.results[-CAPACITY:] if result[0] >= now - 1000]
        if len(window) < 3 or now - window[0][0] < 250:
            return None
        averages = [sum(scores[label] for _, scores in window) // len(window) for label in range(LABELS)]
        top = max(averages)
        label = averages.index(top)
        since = float("inf") if self.previous == SILENCE else now - self.previous_ms
        if not (top > 200 and (label != self.previous or since > 1500)):
            return None
        self.previous, self.previous_ms = label, now
        return None if label == SILENCE else (label, top)


def surely(label: int, score: int = 255) -> tuple[int, ...]:
    return tuple(score if index == label else 0 for index in range(LABELS))


def detected(
    board: BoardRecognizer, *parts: tuple[int, int], period: int = 50, begin: int = 0
) -> list[tuple[int, int]]:
    """Give each (label, ms) the full score for its time; return detections as (ms, label)."""
    now, found = begin, []
    for label, duration in parts:
        for _ in range(duration // period):
            answer = board.add(now, surely(label))
            if answer:
                found.append((now, answer[0]))
            now += period
    return found


SCORES = st.tuples(*[st.integers(0, 255)] * LABELS)
RUNS = st.lists(
    st.tuples(st.sampled_from([surely(label, 240) for label in range(LABELS)]) | SCORES, st.integers(1, 80)),
    max_size=12,
).map(lambda runs: [scores for scores, length in runs for _ in range(length)])


@given(results=RUNS, periods=st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_the_recognizer_equals_the_model(results, periods):
    board, model, now = BoardRecognizer(), Model(), 0
    for index, scores in enumerate(results):
        assert board.add(now, scores) == model.add(now, scores)
        now += periods[index % len(periods)]


@pytest.mark.parametrize(
    ("parts", "period", "expected"),
    [
        ([(SILENCE, 1000), (YES, 1000), (SILENCE, 2000)], 50, [(1800, YES)]),
        ([(YES, 2000)], 50, [(250, YES), (1800, YES)]),  # suppressed for 1500 ms
        ([(YES, 1200), (NO, 1200)], 400, [(800, YES), (2000, NO)]),  # another word is not suppressed
        ([(SILENCE, 5000)], 50, []),
        ([(YES, 300)], 20, [(260, YES)]),  # a quarter of the average's time is needed
    ],
)
def test_detections(parts, period, expected):
    assert detected(BoardRecognizer(), *parts, period=period) == expected


def test_silence_between_ends_the_suppression():
    board = BoardRecognizer()
    assert [board.add(now, surely(YES)) for now in (700, 850, 1000)] == [None, None, (YES, 255)]
    assert [board.add(now, surely(SILENCE)) for now in range(1001, 1031)] == [None] * 30
    again = [now for now in range(1036, 1400, 6) if board.add(now, surely(YES))]
    assert len(again) == 1


@pytest.mark.parametrize("results", [1, 2])
def test_three_results_are_needed(results):
    board = BoardRecognizer()
    answers = [board.add(now, surely(YES)) for now in (0, 400, 800)[:results]]
    assert answers == [None] * results
    assert board.add(900, surely(YES)) == (None if results < 2 else (YES, 255))


def test_an_average_of_the_threshold_is_not_enough():
    board = BoardRecognizer()
    assert [board.add(now, surely(NO, 200)) for now in range(0, 1000, 100)] == [None] * 10
    assert [board.add(now, surely(NO, 211)) for now in range(1000, 2000, 100)].count((NO, 201)) == 1


def test_the_oldest_of_too_many_results_are_dropped():
    board, model = BoardRecognizer(), Model()
    for now in range(0, 3000, 7):
        scores = surely(YES if now % 1400 < 700 else NO)
        assert board.add(now, scores) == model.add(now, scores)


@pytest.mark.parametrize("recognizer", [TENSORFLOW, DEFAULT])
@pytest.mark.parametrize("begin", [60_000, 2**32 - 700])
def test_detections_do_not_depend_on_the_clocks_time(begin, recognizer):
    parts = (YES, 700), (SILENCE, 500), (YES, 1000)
    later = detected(BoardRecognizer(recognizer), *parts, begin=begin)
    assert later == [(now + begin, label) for now, label in detected(BoardRecognizer(recognizer), *parts)]
    assert len(later) == 2

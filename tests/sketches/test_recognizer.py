"""The sketch's recognizer by hand; tests/harness/stats/test_host_recognizer.py compares it with a model."""

from __future__ import annotations

import pytest
from recognizer_library import TENSORFLOW, BoardRecognizer

from harness.recognizer import DEFAULT

SILENCE, UNKNOWN, YES, NO = range(4)
LABELS = 4


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


@pytest.mark.parametrize("recognizer", [TENSORFLOW, DEFAULT])
@pytest.mark.parametrize("begin", [60_000, 2**32 - 700])
def test_detections_do_not_depend_on_the_clocks_time(begin, recognizer):
    parts = (YES, 700), (SILENCE, 500), (YES, 1000)
    later = detected(BoardRecognizer(recognizer), *parts, begin=begin)
    assert later == [(now + begin, label) for now, label in detected(BoardRecognizer(recognizer), *parts)]
    assert len(later) == 2

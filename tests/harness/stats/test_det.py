from __future__ import annotations

import pytest
from made_segments import LABELS, segment, word

from harness.recognizer import Recognizer
from harness.records.field_record import DetPoint
from harness.stats.det import DetCounter, operating_point
from harness.stats.segment import Gap, PlayedSegment

WORDS = [word("yes", 2.0), word("no", 6.0), word("unknown", 10.0)]
SAYS = [
    ("yes", 2800, 2860, 240),
    ("no", 2900, 2960, 206),  # a second one within a word
    ("yes", 6800, 6860, 230),  # for no
    ("no", 10_800, 10_860, 220),  # for another word
    ("no", 15_000, 15_060, 210),  # for nothing
    ("unknown", 17_000, 17_060, 250),
]
NO_AVERAGE = Recognizer("mean", window_ms=20, fewest_results=1)


def counted(*segments: PlayedSegment) -> dict[int, DetPoint]:
    counter = DetCounter(LABELS, NO_AVERAGE, 1.0)
    for one in segments:
        counter.add(one)
    return {point.threshold: point for point in counter.points()}


@pytest.mark.parametrize(
    ("threshold", "misses", "accepted", "false_accepts"),
    [(200, 1, 1, 1), (210, 1, 1, 0), (220, 1, 0, 0), (230, 1, 0, 0), (240, 2, 0, 0)],
)
def test_points_by_hand(threshold, misses, accepted, false_accepts):
    assert counted(segment(WORDS, SAYS))[threshold] == DetPoint(
        threshold, misses, 2, false_accepts, pytest.approx(15.5 / 3600), accepted, 1
    )


def test_segments_are_added_up():
    at_200 = counted(*(segment(words, SAYS) for words in (WORDS, [], WORDS[:1])))[200]
    assert (at_200.keywords, at_200.misses, at_200.non_keywords) == (3, 1, 1)
    assert at_200.hours == pytest.approx((15.5 + 20 + 18.5) / 3600)


def test_words_and_detections_at_a_gap_are_not_counted():
    assert counted(segment(WORDS, SAYS, gaps=[Gap(1.0, 2.0, "lost")]))[200].keywords == 1
    point = counted(segment(WORDS, SAYS, gaps=[Gap(14.5, 15.5, "lost")]))[200]
    # The slowest average is complete again 3.84 s later.
    assert (point.false_accepts, point.hours) == (0, pytest.approx((15.5 - 4.84) / 3600))


def point(threshold: int, misses: int, false_accepts: int, hours: float = 10.0) -> DetPoint:
    return DetPoint(threshold, misses, 100, false_accepts, hours)


CURVE = [point(100, 2, 40), point(150, 5, 12), point(200, 9, 10), point(250, 30, 0)]


@pytest.mark.parametrize(
    ("per_hour", "threshold"), [(5.0, 100), (1.2, 150), (1.0, 200), (0.99, 250), (0.0, 250)]
)
def test_the_operating_point_has_the_fewest_misses_within_the_limit(per_hour, threshold):
    assert operating_point(CURVE, per_hour).threshold == threshold


def test_no_operating_point_within_the_limit_or_without_keyword_free_time():
    assert operating_point(CURVE[:2], 0.5) is None
    assert operating_point([point(200, 1, 0, hours=0.0)], 1.0) is None

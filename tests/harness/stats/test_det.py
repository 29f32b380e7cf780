from __future__ import annotations

import pytest

from harness.records.field_record import DetPoint
from harness.records.record import DetectionRow
from harness.stats.det import DetCounter, operating_point
from harness.stats.segment import FieldWord, Gap

WORDS = [
    FieldWord("yes", "yes", "a.wav", "", 2.0, 2.5),
    FieldWord("no", "no", "b.wav", "", 6.0, 6.5),
    FieldWord("unknown", "dog", "c.wav", "", 10.0, 10.5),
]
DETECTIONS = [
    DetectionRow("yes", 240, 2.8),
    DetectionRow("yes", 230, 6.8),  # for no
    DetectionRow("no", 220, 10.8),  # for dog
    DetectionRow("no", 210, 15.0),  # for nothing
    DetectionRow("unknown", 250, 17.0),
    DetectionRow("no", 205, 2.9),  # a second one within a word
]


def counted(gaps: list[Gap] | None = None, words=WORDS) -> dict[int, DetPoint]:
    counter = DetCounter(1.0)
    counter.add(words, gaps or [], 3600.0, lambda limit: [one for one in DETECTIONS if one.score > limit])
    return {point.threshold: point for point in counter.points()}


@pytest.mark.parametrize(
    ("threshold", "misses", "confusions", "accepted", "false_accepts"),
    [(200, 1, 1, 1, 1), (210, 1, 1, 1, 0), (220, 1, 1, 0, 0), (230, 1, 0, 0, 0), (240, 2, 0, 0, 0)],
)
def test_points_by_hand(threshold, misses, confusions, accepted, false_accepts):
    assert counted()[threshold] == DetPoint(
        threshold, misses, 2, false_accepts, pytest.approx(1 - 4.5 / 3600), confusions, accepted, 1
    )


def test_segments_are_added_up():
    counter = DetCounter(1.0)
    for words in (WORDS, [], WORDS[:1]):
        counter.add(words, [], 1800.0, lambda limit: [one for one in DETECTIONS if one.score > limit])
    at_200 = next(point for point in counter.points() if point.threshold == 200)
    assert (at_200.keywords, at_200.misses) == (3, 1)
    assert at_200.hours == pytest.approx(1.5 - 6.0 / 3600)


def test_words_and_detections_at_a_gap_are_not_counted():
    assert counted([Gap(1.0, 2.0, "lost")])[200].keywords == 1
    point = counted([Gap(14.5, 15.5, "lost")])[200]
    assert (point.false_accepts, point.hours) == (0, pytest.approx(1 - 5.5 / 3600))


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

from __future__ import annotations

import pytest

from harness.records.field_record import DetPoint
from harness.records.record import DetectionRow
from harness.stats.field.det import THRESHOLDS, DetCounter, operating_point
from harness.stats.field.inputs import FieldWord, Gap

WORDS = [
    FieldWord("yes", "yes", "a.wav", "", 2.0, 2.5),
    FieldWord("no", "no", "b.wav", "", 6.0, 6.5),
    FieldWord("unknown", "dog", "c.wav", "", 10.0, 10.5),
]
HEARD = [
    DetectionRow("yes", 240, 2.8),
    DetectionRow("yes", 230, 6.8),  # for no
    DetectionRow("no", 220, 10.8),  # for dog
    DetectionRow("no", 210, 15.0),  # for nothing
    DetectionRow("unknown", 250, 17.0),
    DetectionRow("no", 205, 2.9),  # one too many
]


def above(threshold: int) -> list[DetectionRow]:
    return [one for one in HEARD if one.score > threshold]


def counted(*segments: tuple[str, list[FieldWord], list[Gap]]) -> dict[tuple[str, int], DetPoint]:
    counter = DetCounter(1.0)
    for condition, words, gaps in segments:
        counter.add(condition, words, gaps, 3600.0, above)
    return {(point.condition, point.threshold): point for point in counter.points()}


@pytest.mark.parametrize(
    ("threshold", "misses", "confusions", "alarms", "false_accepts"),
    [(200, 1, 1, 1, 1), (210, 1, 1, 1, 0), (220, 1, 1, 0, 0), (230, 1, 0, 0, 0), (240, 2, 0, 0, 0)],
)
def test_points_by_hand(threshold, misses, confusions, alarms, false_accepts):
    point = counted(("quiet", WORDS, []))["", threshold]
    assert (point.misses, point.confusions, point.accepted_non_keywords, point.false_accepts) == (
        misses,
        confusions,
        alarms,
        false_accepts,
    )
    assert (point.keywords, point.non_keywords, point.hours) == (2, 1, pytest.approx(1 - 4.5 / 3600))


def test_conditions_are_counted_apart_and_together():
    points = counted(("quiet", WORDS, []), ("loud", [], []), ("quiet", WORDS[:1], []))
    at_200 = {condition: points[condition, 200] for condition in ("", "quiet", "loud")}
    assert {name: (one.keywords, one.misses) for name, one in at_200.items()} == {
        "": (3, 1),
        "quiet": (3, 1),
        "loud": (0, 0),
    }
    assert at_200[""].hours == pytest.approx(at_200["quiet"].hours + at_200["loud"].hours)
    assert at_200["loud"].false_accepts == 5


def test_words_beside_a_gap_are_not_counted():
    assert counted(("quiet", WORDS, [Gap(1.0, 2.0, "lost")]))["", 200].keywords == 1


def test_what_is_announced_within_a_gap_is_not_counted():
    point = counted(("quiet", WORDS, [Gap(14.5, 15.5, "lost")]))["", 200]
    assert (point.false_accepts, point.hours) == (0, pytest.approx(1 - 5.5 / 3600))


def test_the_boards_threshold_is_among_them():
    assert 200 in THRESHOLDS
    assert [*THRESHOLDS] == sorted(set(THRESHOLDS))


def point(threshold: int, misses: int, false_accepts: int, hours: float = 10.0, **more: object) -> DetPoint:
    return DetPoint(threshold, misses, 100, false_accepts, hours, **more)  # type: ignore[arg-type]


CURVE = [point(100, 2, 40), point(150, 5, 12), point(200, 9, 10), point(250, 30, 0)]


@pytest.mark.parametrize(
    ("per_hour", "threshold"), [(5.0, 100), (1.2, 150), (1.0, 200), (0.99, 250), (0.0, 250)]
)
def test_the_fewest_misses_within_the_limit_are_taken(per_hour, threshold):
    found = operating_point(CURVE, per_hour)
    assert found.point.threshold == threshold
    assert found.miss_low < found.miss_rate < found.miss_high
    assert found.miss_rate == found.point.misses / 100


def test_no_threshold_may_be_quiet_enough():
    assert operating_point(CURVE[:2], 0.5) is None


def test_without_time_that_is_free_of_keywords_there_is_no_rate():
    assert operating_point([point(200, 1, 0, hours=0.0)], 1.0) is None


@pytest.mark.parametrize(("per_hour", "proven"), [(0.2, False), (0.3, True)])
def test_a_limit_is_proven_by_enough_hours(per_hour, proven):
    assert operating_point(CURVE[-1:], per_hour).proven == proven


def test_each_condition_has_its_own_operating_point():
    curve = [*CURVE, point(60, 1, 0, condition="loud")]
    assert operating_point(curve, 1.0, "loud").point.threshold == 60
    assert operating_point(curve, 1.0).point.threshold == 200


def test_without_keywords_there_is_no_miss_rate():
    found = operating_point([DetPoint(200, 0, 0, 1, 10.0)], 1.0)
    assert (found.miss_rate, found.miss_low, found.miss_high) == (None, 0.0, 1.0)


def test_of_equal_misses_the_fewer_false_accepts_are_taken():
    assert operating_point([point(100, 3, 9), point(150, 3, 4), point(200, 3, 4)], 1.0).point == point(
        200, 3, 4
    )

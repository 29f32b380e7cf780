from __future__ import annotations

from dataclasses import replace

import pytest
from made_segments import VARIANT, segment, stimulus

from harness.records.field_record import FieldFalseAccept
from harness.stats.field.rates import accuracy, delay, false_accept_rate
from harness.stats.statistics import poisson_interval, wilson_interval


def test_accuracy_is_of_the_words_that_count():
    words = [stimulus(detected="yes"), stimulus(), stimulus(detected="yes", excluded="1 record lost")]
    found = accuracy(words)
    assert (found.correct, found.total, found.value) == (1, 2, 0.5)
    assert (found.low, found.high) == wilson_interval(1, 2)


def test_excluded_words_widen_the_interval():
    words = [stimulus(detected="yes") for _ in range(20)]
    fewer = [replace(one, excluded="lost") if place < 10 else one for place, one in enumerate(words)]
    assert accuracy(fewer).low < accuracy(words).low


def test_without_words_the_rate_can_be_anything():
    found = accuracy([])
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def with_accepts(*accepts: tuple[str, bool]):
    hours = {"quiet": 1.0, "loud": 0.5}
    return replace(
        VARIANT,
        segments=[
            replace(segment().row, condition=name, keyword_free_s=3600 * part) for name, part in hours.items()
        ],
        false_accepts=[FieldFalseAccept(1, name, "yes", 210, 5.0, within) for name, within in accepts],
    )


def test_false_accepts_are_counted_in_keyword_free_time_only():
    found = false_accept_rate(with_accepts(("quiet", False), ("loud", False), ("loud", True)))
    assert (found.events, found.hours, found.within_words) == (2, 1.5, 1)
    assert found.per_hour == pytest.approx(2 / 1.5)
    assert (found.low, found.high) == poisson_interval(2, 1.5)


def test_false_accepts_of_one_condition():
    found = false_accept_rate(with_accepts(("quiet", False), ("loud", False)), "loud")
    assert (found.events, found.hours) == (1, 0.5)


def test_without_false_accepts_there_is_an_upper_bound():
    found = false_accept_rate(with_accepts())
    assert (found.per_hour, found.low, found.high) == (0.0, 0.0, 2.0)


def test_without_keyword_free_time_there_is_no_rate():
    found = false_accept_rate(VARIANT)
    assert (found.per_hour, found.low, found.high) == (None, 0.0, float("inf"))


def test_the_delay_is_of_keywords_that_were_heard_right():
    words = [
        stimulus(detected="yes", delay_s=-0.1),
        stimulus(detected="yes", delay_s=0.2),
        stimulus(detected="yes", delay_s=0.5),
        stimulus(detected="no", delay_s=0.9),
        stimulus(detected="yes", delay_s=0.8, excluded="lost"),
        stimulus(),
    ]
    found = delay(words)
    assert (found.n, found.before_end) == (3, 1)
    assert (found.minimum, found.median, found.maximum) == pytest.approx((-0.1, 0.2, 0.5))
    assert found.minimum < found.p5 < found.median < found.p95 < found.maximum


def test_unknown_heard_as_unknown_is_no_keywords_delay():
    assert delay([stimulus("unknown", "unknown")]) is None


def test_nothing_heard_has_no_delay():
    assert delay([stimulus()]) is None

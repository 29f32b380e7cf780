from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_segments import word

from harness.stats.field.free_time import FreeTime
from harness.stats.field.inputs import Gap
from harness.stats.field.loss import GapFinder, lengthened, reason_of


def gaps(*stream: float | tuple[int, str]) -> list[tuple[float, float, str]]:
    """Of a stream of times at which records arrived, and of losses (records, reason)."""
    finder = GapFinder()
    for item in stream:
        if isinstance(item, tuple):
            finder.lost(*item)
        else:
            finder.arrived(item)
    return [(gap.begin_s, gap.end_s, gap.reason) for gap in finder.gaps()]


def test_an_intact_stream_has_no_gaps():
    assert gaps(0.1, 0.2, 0.3) == []


def test_a_gap_reaches_from_the_record_before_to_the_one_after():
    assert gaps(0.1, 0.2, (2, "gap"), 0.5, 0.6) == [(0.2, 0.5, "2 records lost")]


def test_a_garbled_line_is_a_gap_when_its_number_is_missing():
    assert gaps(0.1, (0, "checksum"), 0.2) == []
    assert gaps(0.1, (0, "checksum"), (1, "gap"), 0.2) == [(0.1, 0.2, "1 record lost")]


def test_losses_in_a_row_are_one_gap():
    assert gaps(0.1, (1, "malformed"), (1, "gap"), 0.4) == [(0.1, 0.4, "2 records lost")]


def test_a_loss_at_the_beginning_has_no_begin():
    assert gaps((3, "gap"), 0.4) == [(-math.inf, 0.4, "3 records lost")]


def test_a_stream_that_breaks_off_has_a_gap_without_an_end():
    assert gaps(0.1, 0.2, (1, "no end")) == [(0.2, math.inf, "the transcript breaks off")]


def test_a_record_that_came_late_fills_its_gap():
    assert gaps(0.1, (1, "gap"), 0.3, (-1, "late"), 0.2, 0.4) == []


def test_a_late_record_fills_only_what_it_is():
    assert gaps(0.1, (2, "gap"), 0.4, (-1, "late"), 0.2, 0.5) == [(0.1, 0.4, "1 record lost")]


def test_a_late_record_does_not_set_the_clock_back():
    assert gaps(0.1, (1, "gap"), 0.3, (-1, "late"), 0.2, (1, "gap"), 0.5) == [(0.3, 0.5, "1 record lost")]


def test_what_only_the_totals_miss_may_be_anywhere():
    assert gaps(0.1, 0.2, (2, "totals")) == [
        (-math.inf, math.inf, "2 records lost, nobody knows where"),
    ]


WORD = word("yes", 5.0, 5.5)


@pytest.mark.parametrize(
    ("begin_s", "end_s", "touches"),
    [(4.0, 4.99, False), (4.0, 5.0, True), (6.5, 7.0, True), (6.51, 7.0, False), (5.1, 5.2, True)],
)
def test_a_word_is_touched_from_its_onset_to_the_end_of_its_window(begin_s, end_s, touches):
    assert reason_of(WORD, [Gap(begin_s, end_s, "lost")], 1.0) == ("lost" if touches else "")


def test_averages_lack_what_was_lost_for_a_second():
    assert [*lengthened([Gap(1.0, 2.0, "lost")])] == [Gap(1.0, 3.0, "lost")]


def test_free_time_is_what_words_and_gaps_leave():
    words = [word("yes", 2.0, 2.5), word("unknown", 3.0, 3.5)]
    free = FreeTime(words, [Gap(4.0, 5.0, ""), Gap(9.5, math.inf, "")], 1.0, 10.0)
    assert free.seconds == pytest.approx(2.0 + 4.5)


def test_a_segment_without_words_is_all_free():
    assert FreeTime([], [], 1.0, 600.0).seconds == 600.0


def test_a_segment_that_was_not_played_has_no_free_time():
    assert FreeTime([WORD], [Gap(-math.inf, math.inf, "")], 1.0, 0.0).seconds == 0.0


@pytest.mark.parametrize(("at_s", "inside"), [(4.9, False), (5.0, True), (6.5, True), (6.6, False)])
def test_a_window_has_both_its_ends(at_s, inside):
    assert FreeTime([WORD, word("no", 8.0)], [], 1.0, 10.0).in_window(at_s) == inside


@pytest.mark.parametrize(("at_s", "inside"), [(2.0, False), (2.5, True), (3.0, False)])
def test_what_arrived_beside_a_gap_is_not_in_it(at_s, inside):
    assert FreeTime([], [Gap(2.0, 3.0, "")], 1.0, 10.0).in_gap(at_s) == inside


stretches = st.lists(st.tuples(st.integers(-4, 44), st.integers(0, 12)), max_size=6)


@given(stretches, stretches)
def test_free_time_is_counted_moment_by_moment(windows, lost):
    words = [word("yes", begin / 4, (begin + length) / 4) for begin, length in windows]
    holes = [Gap(begin / 4, (begin + length) / 4, "") for begin, length in lost]
    free = FreeTime(words, holes, 0.5, 10.0)
    middles = [(quarter + 0.5) / 4 for quarter in range(40)]
    counted = [at for at in middles if not free.in_window(at) and not free.in_gap(at)]
    by_hand = [
        at
        for at in middles
        if not any(one.onset_s <= at <= one.end_s + 0.5 for one in words)
        and not any(hole.begin_s < at < hole.end_s for hole in holes)
    ]
    assert counted == by_hand
    assert free.seconds == pytest.approx(len(by_hand) / 4)

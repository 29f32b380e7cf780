from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_segments import word

from harness.stats.segment import FreeTime, Gap, GapFinder, loss_reason

WORD = word("yes", 5.0, 5.5)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ([0.1, 0.2, 0.3], []),
        ([0.1, 0.2, (2, "gap"), 0.5, 0.6], [(0.2, 0.5, "2 records lost")]),
        ([0.1, (0, "checksum"), 0.2], []),
        ([0.1, (0, "checksum"), (1, "gap"), 0.2], [(0.1, 0.2, "1 record lost")]),
        ([0.1, (1, "malformed"), (1, "gap"), 0.4], [(0.1, 0.4, "2 records lost")]),
        ([(3, "gap"), 0.4], [(-math.inf, 0.4, "3 records lost")]),
        ([0.1, 0.2, (1, "no end")], [(0.2, math.inf, "the transcript breaks off")]),
        ([0.1, (1, "gap"), 0.3, (-1, "late"), 0.2, 0.4], []),
        ([0.1, (2, "gap"), 0.4, (-1, "late"), 0.2, 0.5], [(0.1, 0.4, "1 record lost")]),
        ([0.1, (1, "gap"), 0.3, (-1, "late"), 0.2, (1, "gap"), 0.5], [(0.3, 0.5, "1 record lost")]),
        ([0.1, 0.2, (2, "totals")], [(-math.inf, math.inf, "2 records lost at unknown times")]),
    ],
)
def test_gaps_of_a_stream_of_records_and_losses(stream, expected):
    finder = GapFinder()
    for item in stream:
        if isinstance(item, tuple):
            finder.lost(*item)
        else:
            finder.arrived(item)
    assert [(gap.begin_s, gap.end_s, gap.reason) for gap in finder.gaps()] == expected


@pytest.mark.parametrize(
    ("begin_s", "end_s", "touches"),
    [(4.0, 4.99, False), (4.0, 5.0, True), (6.5, 7.0, True), (6.51, 7.0, False), (5.1, 5.2, True)],
)
def test_a_gap_touches_a_word_from_its_onset_to_the_end_of_its_window(begin_s, end_s, touches):
    assert loss_reason(WORD, [Gap(begin_s, end_s, "lost")], 1.0) == ("lost" if touches else "")


intervals = st.lists(st.tuples(st.integers(-4, 44), st.integers(0, 12)), max_size=6)


@given(intervals, intervals)
def test_free_time_is_outside_of_all_windows_and_gaps(windows, lost):
    words = [word("yes", begin / 4, (begin + length) / 4) for begin, length in windows]
    gaps = [Gap(begin / 4, (begin + length) / 4, "") for begin, length in lost]
    free = FreeTime(words, gaps, 0.5, 10.0)
    middles = [(quarter + 0.5) / 4 for quarter in range(40)]
    counted = [at for at in middles if not free.in_window(at) and not free.in_gap(at)]
    expected = [
        at
        for at in middles
        if not any(one.onset_s <= at <= one.end_s + 0.5 for one in words)
        and not any(gap.begin_s < at < gap.end_s for gap in gaps)
    ]
    assert counted == expected
    assert free.seconds == pytest.approx(len(expected) / 4)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_segments import segment

from harness.records.field_record import FieldTiming
from harness.stats.field.inputs import Gap, SegmentHeard
from harness.stats.field.timing import Tally, TimingCounter


def timed(times_ms: list[int], **more: object) -> SegmentHeard:
    made = segment(audio_s=1.0)
    stages = {stage: np.full(len(times_ms), us) for stage, us in STAGES.items()}
    return replace(made, times_ms=np.array(times_ms, np.uint32), **{"stage_us": stages, **more})


STAGES = {"preprocess": 2000, "inference": 40_000, "postprocess": 8000}


def timing(*segments: SegmentHeard) -> FieldTiming | None:
    counter = TimingCounter()
    for one in segments:
        counter.add(one)
    return counter.timing()


def test_figures_by_hand():
    found = timing(timed([0, 50, 100, 200]), timed([1000, 1050]))
    assert (found.period_ms_median, found.period_ms_max) == (50, 100)
    assert found.stage_us == STAGES
    assert found.inferences == 6
    assert found.realtime_factor == pytest.approx((0.2 + 0.05) / (4 * 0.05))


def test_lost_audio_was_not_worked_through():
    row = replace(segment().row, samples_lost=8000)
    found = timing(timed([0, 1000], row=row, overruns=3))
    assert found.realtime_factor == pytest.approx(0.5 / 0.05)
    assert (found.samples_lost, found.overruns) == (8000, 3)


def test_from_one_segment_to_the_next_there_is_no_period():
    assert timing(timed([0]), timed([60_000])) is None


def test_lost_records_make_no_period():
    lossy = timed([0, 80, 300, 350], gaps=(Gap(0.08, 0.3, "lost"),))
    assert timing(lossy).period_ms_max == 80


def test_gaps_are_on_the_clock_of_the_sound():
    lossy = timed([0, 80, 300, 350], gaps=(Gap(-4.92, -4.7, "lost"),), sound_starts_s=5.0)
    assert timing(lossy).period_ms_max == 80


def test_the_clock_may_wrap():
    assert timing(timed([2**32 - 30, 20])).period_ms_max == 50


def test_a_stage_that_was_not_timed_is_left_out():
    stages = {"inference": np.array([40_000, 41_000])}
    found = timing(timed([0, 50], stage_us=stages))
    assert (found.stage_us, found.realtime_factor) == ({"inference": 40_500}, None)


def test_a_board_that_never_rests_and_loses_nothing_just_keeps_up():
    assert timing(timed([0, 50, 100, 150])).realtime_factor == pytest.approx(1.0)


def test_what_was_lost_changes_nothing_of_the_factor():
    lossy = timed([0, 100, 1000, 1100], gaps=(Gap(0.1, 1.0, "lost"),))
    assert timing(lossy).realtime_factor == pytest.approx(0.2 / (2 * 0.05))


@given(st.lists(st.lists(st.integers(0, 500)), min_size=1), st.sampled_from([0, 0.05, 0.5, 0.95, 1]))
def test_quantiles_are_those_of_all_values(parts, share):
    tally = Tally()
    for part in parts:
        tally.add(part)
    everything = [value for part in parts for value in part]
    assert len(tally) == len(everything)
    if everything:
        assert tally.quantile(share) == pytest.approx(np.quantile(everything, share))
    else:
        with pytest.raises(ValueError, match="no values"):
            tally.quantile(share)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_segments import segment

from harness.records.field_record import FieldTiming
from harness.stats.field_figures import TimingCounter
from harness.stats.segment import Gap, PlayedSegment

STAGES = {"preprocess": 2000, "inference": 40_000, "postprocess": 8000}


def timed(times_ms: list[int], **more: object) -> PlayedSegment:
    stages = {stage: np.full(len(times_ms), us) for stage, us in STAGES.items()}
    return replace(
        segment(audio_s=1.0), times_ms=np.array(times_ms, np.uint32), **{"stage_us": stages, **more}
    )


def timing(*segments: PlayedSegment) -> FieldTiming | None:
    counter = TimingCounter()
    for one in segments:
        counter.add(one)
    return counter.timing()


def test_figures_by_hand():
    found = timing(timed([0, 50, 100, 200]), timed([1000, 1050]))
    assert (found.period_ms_median, found.period_ms_p95, found.period_ms_max) == (
        50,
        pytest.approx(92.5),
        100,
    )
    assert found.stage_us == STAGES
    assert found.inferences == 6
    assert found.realtime_factor == pytest.approx((0.2 + 0.05) / (4 * 0.05))


def test_lost_audio_does_not_count_as_processed():
    row = replace(segment().row, samples_lost=8000)
    found = timing(timed([0, 1000], row=row, overruns=3))
    assert found.realtime_factor == pytest.approx(0.5 / 0.05)
    assert (found.samples_lost, found.overruns) == (8000, 3)


@pytest.mark.parametrize(("gap", "starts_s"), [(Gap(0.08, 0.3, ""), 0.0), (Gap(-4.92, -4.7, ""), 5.0)])
def test_a_period_across_lost_records_is_left_out(gap, starts_s):
    lossy = timed([0, 80, 300, 350], gaps=(gap,), sound_starts_s=starts_s)
    assert timing(lossy).period_ms_max == 80


def test_the_clock_may_wrap():
    assert timing(timed([2**32 - 30, 20])).period_ms_max == 50


def test_a_stage_that_was_not_timed_is_left_out():
    found = timing(timed([0, 50], stage_us={"inference": np.array([40_000, 41_000])}))
    assert (found.stage_us, found.realtime_factor) == ({"inference": 40_500}, None)

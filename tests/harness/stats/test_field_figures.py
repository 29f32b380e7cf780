from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_segments import LABELS, VARIANT, answers, segment, word

from harness.records.field_record import FieldTiming, FieldVariant, ReferenceRow
from harness.records.record import DetectionRow
from harness.stats.field_figures import TimingCounter, field_figures
from harness.stats.segment import Gap, PlayedSegment

YES = word("yes", 3.0)
NO = word("no", 8.0)
SAYS_YES = ("yes", 3000, 4200)
SAYS_NO = ("no", 8000, 9200)


def figures(*segments, **options) -> FieldVariant:
    return field_figures(VARIANT, segments, **options)


def detected(variant: FieldVariant) -> list[str | None]:
    return [one.detected for one in variant.stimuli]


def test_a_row_has_the_facts_of_word_and_detection():
    spoken = replace(YES, speaker="anna", source="yes/anna.wav")
    (row,) = figures(segment([spoken], [SAYS_YES], number=7, condition="2 m")).stimuli
    assert (row.segment, row.condition, row.label, row.word) == (7, "2 m", "yes", "yes")
    assert (row.source, row.speaker, row.onset_s, row.end_s) == ("yes/anna.wav", "anna", 3.0, 3.5)
    assert (row.detected, row.correct, row.peak, row.excluded, row.cause) == ("yes", True, 255, "", "")
    assert row.score > 200
    assert row.delay_s == pytest.approx(row.detected_at_s - 3.5)


def test_a_word_that_was_not_found_in_the_sound_has_no_delay():
    lost = replace(YES, onset_s=2.0, end_s=5.0, is_found=False)
    (row,) = figures(segment([lost], [SAYS_YES])).stimuli
    assert row.correct and row.detected_at_s < 5.0 and row.delay_s is None


@pytest.mark.parametrize("starts_s", [0.0, 1.5])
def test_the_peak_is_within_the_window(starts_s):
    says = [
        ("yes", 2900, 3000, 250),
        ("yes", 3000, 3020, 90),
        ("yes", 4500, 4501, 100),
        ("yes", 4501, 4600, 240),
    ]
    offset = round(1000 * starts_s)
    late = [(label, begin + offset, end + offset, score) for label, begin, end, score in says]
    made = segment([YES], late, period_ms=10)
    (row,) = figures(replace(made, sound_starts_s=starts_s, detections=())).stimuli
    assert row.peak == 100


def test_the_window_decides_on_late_detections_and_on_keyword_free_time():
    late = segment([YES], [("yes", 4000, 5400)])
    assert detected(figures(late)) == [None]
    row = figures(late, window_s=2.0)
    assert (detected(row), row.false_accepts) == (["yes"], [])
    assert row.segments[0].keyword_free_s == pytest.approx(20 - 2.5)


def test_the_boards_own_detections_are_used_at_its_threshold():
    own = replace(segment([YES], [SAYS_YES]), detections=(DetectionRow("no", 201, 3.6),))
    row = figures(own)
    assert detected(row) == ["no"]
    (note,) = row.notes
    assert "detections differ" in note and note.endswith("in segments 1")
    assert figures(segment([YES, NO], [SAYS_YES, SAYS_NO])).notes == []


def test_detections_are_recomputed_at_another_threshold():
    weak = segment([YES], [("yes", 3000, 4200, 180)])
    assert detected(figures(weak)) == [None]
    row = figures(weak, threshold=150)
    assert (detected(row), row.notes) == (["yes"], [])


@pytest.mark.parametrize("threshold", [None, 150])
def test_detections_before_the_sound_are_ignored(threshold):
    early = segment([word("yes", 8.0)], [SAYS_YES, ("no", 8000, 8800)], audio_s=12.0)
    later = [replace(one, at_s=one.at_s - 5.0) for one in early.detections]
    row = figures(replace(early, sound_starts_s=5.0, detections=later), threshold=threshold)
    assert [one.label for one in row.false_accepts] == ["no"]
    assert row.false_accepts[0].at_s == pytest.approx(later[1].at_s, abs=0.4)


def test_segments_are_taken_one_by_one_in_their_order():
    alive = []

    def made():
        for number in range(5):
            alive.append(number)
            yield segment([YES], [SAYS_YES], number=number)
            assert alive == [*range(number + 1)]

    row = field_figures(VARIANT, made())
    assert [one.segment for one in row.stimuli] == [one.number for one in row.segments] == [*range(5)]


def test_no_segments_and_no_inferences_give_no_figures():
    row = figures()
    assert (row.timing, row.replay, row.reference, row.stimuli, row.segments) == (
        None,
        None,
        ReferenceRow(),
        [],
        [],
    )
    empty = replace(
        segment([YES]), times_ms=np.empty(0, np.uint32), scores=np.empty((0, 4), np.uint8), detections=()
    )
    row = figures(empty)
    assert (row.stimuli[0].peak, row.stimuli[0].detected, row.timing) == (None, None, None)


# Losses


@pytest.mark.parametrize("threshold", [None, 150])
def test_a_word_beside_lost_records_is_excluded(threshold):
    spoken = replace(NO, answers=answers(clean="no"))
    lossy = replace(segment([YES, spoken], [SAYS_YES]), gaps=(Gap(8.2, 8.4, "2 records lost"),))
    row = figures(lossy, threshold=threshold)
    assert [one.excluded for one in row.stimuli] == ["", "2 records lost"]
    assert [one.cause for one in row.stimuli] == ["", ""]


def test_recomputed_detections_need_complete_averages():
    lossy = replace(segment([YES], [SAYS_YES]), gaps=(Gap(2.0, 2.4, "lost"),))
    assert figures(lossy).stimuli[0].excluded == ""
    assert figures(lossy, threshold=150).stimuli[0].excluded == "lost"
    assert {one.keywords for one in figures(lossy).det} == {0}


def test_gaps_are_neither_free_time_nor_hold_false_accepts():
    lossy = replace(segment(says=[("no", 8000, 9400)]), gaps=(Gap(7.5, 8.0, "lost"),))
    assert figures(lossy).segments[0].keyword_free_s == pytest.approx(19.5)
    assert len(figures(lossy).false_accepts) == 1
    assert figures(lossy, threshold=150).false_accepts == []


# Causes


@pytest.mark.parametrize(
    ("says", "host_says", "of_host", "cause"),
    [
        ([("yes", 3000, 3100)], [SAYS_YES], {}, "latency"),
        ([("yes", 3000, 3100)], None, {}, "recognizer"),
        ([("yes", 3000, 3100, 200)], None, {}, "model"),  # 200 does not exceed the threshold
        ([], None, {"clip": "yes", "clean": "yes"}, "front end"),
        ([], None, {"clean": "yes"}, "sound"),
        ([], None, {}, "model"),
        ([], None, {"clip": "yes", "clean": "yes", "score": 200}, "model"),
        ([("no", 3000, 4200)], None, {"clean": "yes"}, "sound"),
        ([SAYS_YES], [SAYS_YES], {"clean": "yes"}, ""),
    ],
)
def test_causes(says, host_says, of_host, cause):
    spoken = word("yes", 3.0, answers=answers(**of_host))
    (row,) = figures(segment([spoken], says, host_says=host_says)).stimuli
    assert row.cause == cause


def test_a_suppressed_word_is_a_miss_of_the_recognizer():
    soon = [word("yes", 3.0, 3.5), word("yes", 3.9, 4.1)]
    row = figures(segment(soon, [("yes", 3000, 4400)]))
    assert [(one.detected, one.cause) for one in row.stimuli] == [("yes", ""), (None, "recognizer")]


# Replay and reference


def test_the_replay_counts_words_that_are_right_with_every_slice():
    words = [YES, NO, word("unknown", 13.0), word("unknown", 17.0)]
    row = figures(segment(words, [SAYS_NO, ("yes", 13000, 14200)], host_says=[SAYS_YES]))
    assert (row.replay.correct, row.replay.total, row.replay.period_ms) == (3, 4, 20)


def test_an_inference_every_450_ms_misses_words_of_less_than_900_ms():
    words = [word("yes", onset, onset + 1.0) for onset in (3.0, 8.1, 13.27)]
    says = [("yes", round(1000 * one.onset_s), round(1000 * one.onset_s) + 880) for one in words]
    slow = figures(segment(words, says, period_ms=450, host_says=says))
    assert detected(slow) == [None, None, None]
    assert [one.cause for one in slow.stimuli] == ["latency"] * 3
    assert slow.timing.period_ms_median == 450


def test_scores_equal_to_the_hosts_are_counted():
    made = segment([YES], [SAYS_YES], audio_s=10.0)
    other = made.scores.copy()
    other[[3, 5], 1] += 2
    other[5, 2] += 1
    row = figures(replace(made, reference_scores=other), replace(made, reference_scores=made.scores))
    inferences = len(made.times_ms)
    assert row.reference == ReferenceRow(2 * inferences, 2 * inferences - 2, 2)


onsets = st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 60)), max_size=8)


@settings(max_examples=50)
@given(onsets, onsets, st.integers(0, 254), st.sampled_from([0.5, 1.0, 1.5]))
def test_every_detection_is_of_a_word_or_a_false_accept(words, says, threshold, window_s):
    spoken = [word(label, onset / 4) for label, onset in words]
    made = segment(spoken, [(label, onset * 250, onset * 250 + 900) for label, onset in says])
    row = figures(made, threshold=threshold, window_s=window_s)
    point = {one.threshold: one for one in row.det}.get(threshold)
    counted = [one for one in row.stimuli if one.label in ("yes", "no")]
    if point is not None:
        assert point.keywords == len(counted)
        assert point.misses == sum(not one.correct for one in counted)
        assert point.false_accepts == sum(not one.within_word for one in row.false_accepts)
        assert point.hours * 3600 == pytest.approx(row.segments[0].keyword_free_s)
    times = [one.detected_at_s for one in row.stimuli if one.detected]
    times += [one.at_s for one in row.false_accepts]
    assert len(times) == len(set(times))


# Speed

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

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_segments import LABELS, VARIANT, answers, segment, word

from harness.records.field_record import FieldVariant
from harness.records.record import DetectionRow
from harness.stats.field.figures import field_figures
from harness.stats.field.inputs import Gap
from harness.stats.field.recognizer import THRESHOLD

YES = word("yes", 3.0)
NO = word("no", 8.0)
HEARD_YES = ("yes", 3000, 4200)
HEARD_NO = ("no", 8000, 9200)


def figures(*segments, **options) -> FieldVariant:
    return field_figures(VARIANT, segments, **options)


def heard(variant: FieldVariant) -> list[str | None]:
    return [one.detected for one in variant.stimuli]


def test_a_row_has_everything_of_word_and_announcement():
    said = replace(YES, speaker="anna", source="yes/anna.wav")
    (row,) = figures(segment([said], [HEARD_YES], number=7, condition="2 m")).stimuli
    assert (row.segment, row.condition, row.label, row.word) == (7, "2 m", "yes", "yes")
    assert (row.source, row.speaker, row.onset_s, row.end_s) == ("yes/anna.wav", "anna", 3.0, 3.5)
    assert (row.detected, row.correct, row.peak, row.excluded, row.cause) == ("yes", True, 255, "", "")
    assert row.score > THRESHOLD
    assert row.delay_s == pytest.approx(row.detected_at_s - 3.5)


def test_before_its_end_a_word_is_heard_with_a_negative_delay():
    (row,) = figures(segment([word("yes", 3.0, 5.0)], [HEARD_YES])).stimuli
    assert row.correct and row.delay_s < 0


def test_a_word_that_is_not_heard_has_no_delay():
    (row,) = figures(segment([YES])).stimuli
    assert (row.detected, row.score, row.detected_at_s, row.delay_s, row.peak) == (None, None, None, None, 0)


def test_a_confusion_is_no_false_accept():
    row = figures(segment([YES], [("no", 3000, 4200)]))
    assert (heard(row), row.stimuli[0].correct, row.false_accepts) == (["no"], False, [])


@pytest.mark.parametrize("starts_s", [0.0, 1.5])
def test_the_peak_is_of_the_whole_window_and_of_nothing_else(starts_s):
    says = [
        ("yes", 2900, 3000, 250),
        ("yes", 3000, 3020, 90),
        ("yes", 4500, 4501, 100),
        ("yes", 4501, 4600, 240),
    ]
    late = [
        (label, begin + round(1000 * starts_s), end + round(1000 * starts_s), score)
        for label, begin, end, score in says
    ]
    made = segment([YES], late, period_ms=10)
    (row,) = figures(replace(made, sound_starts_s=starts_s, detections=())).stimuli
    assert row.peak == 100


def test_a_word_of_a_label_that_the_model_lacks_has_no_peak():
    (row,) = figures(segment([word("up", 3.0)])).stimuli
    assert (row.correct, row.peak, row.cause) == (False, None, "")


@pytest.mark.parametrize("label", ["unknown", "silence"])
@pytest.mark.parametrize(("says", "correct"), [((), True), ((HEARD_YES,), False)])
def test_what_is_not_to_be_spotted_is_right_unless_a_keyword_is_heard(label, says, correct):
    row = figures(segment([word(label, 3.0)], says))
    assert (row.stimuli[0].correct, row.stimuli[0].cause, row.false_accepts) == (correct, "", [])


def test_a_keyword_where_nobody_spoke_is_a_false_accept():
    row = figures(segment([YES], [("no", 14000, 15400)], number=3, condition="2 m"))
    (accept,) = row.false_accepts
    assert (accept.segment, accept.condition, accept.label, accept.within_word) == (3, "2 m", "no", False)
    assert 14.0 < accept.at_s < 15.4


def test_a_second_announcement_for_a_word_is_a_false_accept_within_it():
    row = figures(segment([YES], [("no", 2900, 3400), ("yes", 3400, 4400)]), window_s=1.5, threshold=120)
    assert heard(row) == ["no"]
    assert [(one.label, one.within_word) for one in row.false_accepts] == [("yes", True)]


def test_a_longer_window_takes_a_later_announcement():
    late = segment([YES], [("yes", 4000, 5400)])
    assert heard(figures(late)) == [None]
    row = figures(late, window_s=2.0)
    assert (heard(row), row.false_accepts) == (["yes"], [])


def test_the_keyword_free_time_follows_from_the_window():
    row = figures(segment([YES, NO], audio_s=20.0), window_s=2.0)
    assert row.segments[0].keyword_free_s == pytest.approx(20 - 2 * 2.5)


def test_at_the_boards_threshold_its_own_announcements_are_taken():
    own = replace(segment([YES], [HEARD_YES]), detections=(DetectionRow("no", 201, 3.6),))
    row = figures(own)
    assert heard(row) == ["no"]
    assert row.notes == [
        "The board announced something else than its recognizer makes of its logged scores, in segments 1"
    ]


def test_at_another_threshold_they_are_recomputed():
    weak = segment([YES], [("yes", 3000, 4200, 180)])
    assert heard(figures(weak)) == [None]
    assert heard(figures(weak, threshold=150)) == ["yes"]
    assert figures(weak, threshold=150).notes == []


def test_notes_are_added_to_those_that_are_there():
    silent = replace(segment([YES], [HEARD_YES]), detections=())
    row = field_figures(replace(VARIANT, notes=["a note"]), [silent])
    assert row.notes[0] == "a note"
    assert len(row.notes) == 2


def test_a_board_that_announces_what_its_scores_say_needs_no_note():
    assert figures(segment([YES, NO], [HEARD_YES, HEARD_NO])).notes == []


@pytest.mark.parametrize("threshold", [THRESHOLD, 150])
def test_what_was_announced_before_the_sound_began_counts_for_nothing(threshold):
    early = segment([word("yes", 8.0)], [HEARD_YES, HEARD_NO], audio_s=12.0)
    later = [replace(one, at_s=one.at_s - 5.0) for one in early.detections]
    row = figures(replace(early, sound_starts_s=5.0, detections=later), threshold=threshold)
    assert [one.label for one in row.false_accepts] == ["no"]
    assert row.false_accepts[0].at_s == pytest.approx(later[1].at_s, abs=0.4)


def test_segments_stand_in_the_order_of_the_plan():
    row = figures(segment([YES], [HEARD_YES], number=1), segment([NO], number=2, condition="2 m"))
    assert [(one.segment, one.condition, one.correct) for one in row.stimuli] == [
        (1, "quiet", True),
        (2, "2 m", False),
    ]
    assert [one.number for one in row.segments] == [1, 2]


def test_segments_are_taken_one_by_one():
    alive = []

    def made():
        for number in range(5):
            alive.append(number)
            yield segment([YES], [HEARD_YES], number=number)
            assert alive == [*range(number + 1)]

    assert len(field_figures(VARIANT, made()).stimuli) == 5


def test_nothing_played_gives_no_figures():
    row = figures()
    assert (row.timing, row.replay, row.front_ends, row.reference) == (None, None, None, {})
    assert row.stimuli == row.segments == []


# What was lost


@pytest.mark.parametrize("threshold", [THRESHOLD, 150])
def test_a_word_that_something_was_lost_of_is_excluded_with_its_reason(threshold):
    said = replace(NO, answers=answers(clean="no"))
    lossy = replace(segment([YES, said], [HEARD_YES]), gaps=(Gap(8.2, 8.4, "2 records lost"),))
    row = figures(lossy, threshold=threshold)
    assert [one.excluded for one in row.stimuli] == ["", "2 records lost"]
    assert [one.cause for one in row.stimuli] == ["", ""]


def test_what_is_recomputed_needs_whole_averages():
    lossy = replace(segment([YES], [HEARD_YES]), gaps=(Gap(2.0, 2.4, "lost"),))
    assert figures(lossy).stimuli[0].excluded == ""
    assert figures(lossy, threshold=150).stimuli[0].excluded == "lost"


def test_time_in_which_something_was_lost_is_not_free():
    lossy = replace(segment(audio_s=20.0), gaps=(Gap(8.0, 9.0, "lost"),))
    assert figures(lossy).segments[0].keyword_free_s == pytest.approx(19.0)


def test_what_is_recomputed_within_a_gap_is_no_false_accept():
    lossy = replace(segment(says=[("no", 8000, 9400)]), gaps=(Gap(7.5, 8.0, "lost"),))
    assert len(figures(lossy).false_accepts) == 1
    assert figures(lossy, threshold=150).false_accepts == []


def test_audio_that_the_board_lost_excludes_nothing():
    slow = segment([YES], row=replace(segment().row, samples_lost=8000), overruns=2)
    row = figures(slow)
    assert (row.stimuli[0].excluded, row.timing.samples_lost, row.timing.overruns) == ("", 8000, 2)


def test_a_gap_of_the_log_needs_no_note_on_its_announcements():
    lossy = segment([YES], [HEARD_YES])
    lossy = replace(lossy, detections=(), gaps=(Gap(3.0, 4.5, "lost"),))
    assert figures(lossy).notes == []


def test_a_segment_that_was_not_played_excludes_its_words():
    missing = segment(
        [YES], audio_s=0.0, host_says=[HEARD_YES], gaps=(Gap(-math.inf, math.inf, "not played"),)
    )
    row = figures(missing)
    assert [one.excluded for one in row.stimuli] == ["not played"]
    assert (row.segments[0].keyword_free_s, row.timing, row.replay) == (0.0, None, None)


# Why


def cause(says=(), host_says=(), threshold=THRESHOLD, **heard) -> str:
    said = word("yes", 3.0, answers=answers(**heard))
    (row,) = figures(segment([said], says, host_says=host_says), threshold=threshold).stimuli
    return row.cause


def test_heard_with_every_slice_it_is_the_latency():
    assert cause(says=[("yes", 3000, 3100)], host_says=[HEARD_YES]) == "latency"


def test_a_single_score_above_the_threshold_is_the_recognizers():
    assert cause(says=[("yes", 3000, 3100)]) == "recognizer"


def test_a_single_score_of_the_threshold_is_not():
    assert cause(says=[("yes", 3000, 3100, 200)]) == "model"


def test_heard_by_a_front_end_that_was_reset_it_is_the_front_end():
    assert cause(clip="yes", clean="yes") == "front end"


def test_heard_in_the_clean_recording_only_it_is_the_sound():
    assert cause(clean="yes") == "sound"


def test_not_even_heard_there_it_is_the_model():
    assert cause() == "model"


def test_without_the_host_there_is_no_telling():
    (row,) = figures(segment([YES])).stimuli
    assert row.cause == ""


def test_a_confusion_has_a_cause_too():
    assert cause(says=[("no", 3000, 4200)], clean="yes") == "sound"


def test_to_hear_takes_a_score_above_the_threshold():
    assert cause(clip="yes", clean="yes", score=200) == "model"
    assert cause(clip="yes", clean="yes", score=200, threshold=199) == "front end"


def test_what_was_heard_has_no_cause():
    assert cause(says=[HEARD_YES], host_says=[HEARD_YES], clean="yes") == ""


# The replay


def test_the_replay_tells_what_is_won_and_lost():
    words = [YES, NO, word("unknown", 13.0), word("unknown", 17.0)]
    row = figures(segment(words, [HEARD_NO, ("yes", 13000, 14200)], host_says=[HEARD_YES]))
    assert (row.replay.correct, row.replay.total) == (3, 4)
    assert (row.replay.won, row.replay.lost) == ([0], [1])
    assert row.replay.period_ms == 20


def test_at_450_ms_a_word_that_scores_for_less_than_900_is_never_announced():
    words = [word("yes", onset, onset + 1.0) for onset in (3.0, 8.1, 13.27)]
    says = [("yes", round(1000 * one.onset_s), round(1000 * one.onset_s) + 880) for one in words]
    slow = figures(segment(words, says, period_ms=450, host_says=says))
    assert heard(slow) == [None, None, None]
    assert [one.cause for one in slow.stimuli] == ["latency"] * 3
    assert slow.replay.won == [0, 1, 2]
    assert slow.timing.period_ms_median == 450


def test_the_replay_counts_only_words_that_count():
    lossy = segment([YES, NO], host_says=[HEARD_YES, HEARD_NO], gaps=(Gap(3.0, 3.2, "lost"),))
    row = figures(lossy)
    assert (row.replay.total, row.replay.won) == (1, [1])


def test_replayed_at_the_period_it_had_it_hears_what_it_heard():
    both = segment([YES, NO], [HEARD_YES], host_says=[HEARD_YES])
    row = figures(both)
    assert (row.replay.correct, row.replay.won, row.replay.lost) == (1, [], [])


# The reference, the front ends


def test_scores_that_are_the_hosts_are_counted():
    made = segment([YES], [HEARD_YES], audio_s=10.0)
    other = made.scores.copy()
    other[[3, 5], 1] += 2
    other[5, 2] += 1
    row = figures(replace(made, reference_scores=other), replace(made, reference_scores=made.scores))
    inferences = len(made.times_ms)
    assert row.reference == {"inferences": 2 * inferences, "equal": 2 * inferences - 2, "max_difference": 2}


def test_both_front_ends_are_counted_where_the_host_had_the_sound():
    said = [
        word("yes", 3.0, answers=answers("yes", "yes")),
        word("yes", 6.0, answers=answers("no", "yes")),
        word("unknown", 9.0, answers=answers("silence", "no")),
        word("no", 12.0, answers=answers("yes", "silence")),
        word("no", 15.0),
        word("no", 17.0, answers=answers("yes", "no")),
    ]
    found = figures(segment(said, host_says=())).front_ends
    assert (found.clips, found.clip_correct, found.streaming_correct) == (5, 3, 2)
    assert (found.only_clip, found.only_streaming, found.p) == (2, 1, 1.0)
    assert figures(segment(said)).front_ends is None


# Suppression


def test_a_word_that_may_be_suppressed_is_told():
    soon = [word("yes", 3.0, 3.2), word("yes", 4.0, 4.2), word("no", 4.9, 5.1), word("yes", 8.0)]
    row = figures(segment(soon))
    assert row.notes == [
        "1 word follows one of the same label so soon that its announcement may be suppressed (1.5 s)"
    ]


def test_a_suppressed_word_is_the_recognizers_miss():
    soon = [word("yes", 3.0, 3.5), word("yes", 4.1, 4.3)]
    row = figures(segment(soon, [("yes", 3000, 4600)]))
    assert [(one.detected, one.cause) for one in row.stimuli] == [("yes", ""), (None, "recognizer")]


onsets = st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 60)), max_size=8)


@settings(max_examples=50)
@given(onsets, onsets, st.integers(0, 254), st.sampled_from([0.5, 1.0, 1.5]))
def test_every_announcement_is_of_a_word_or_a_false_accept(words, says, threshold, window_s):
    said = [word(label, onset / 4) for label, onset in words]
    made = segment(said, [(label, onset * 250, onset * 250 + 900) for label, onset in says])
    row = figures(made, threshold=threshold, window_s=window_s)
    point = {one.threshold: one for one in row.det if not one.condition}.get(threshold)
    counted = [one for one in row.stimuli if one.label in ("yes", "no")]
    if point is not None:
        assert point.keywords == len(counted)
        assert point.misses == sum(not one.correct for one in counted)
        assert point.confusions == sum(one.detected not in (None, one.label) for one in counted)
        assert point.false_accepts == sum(not one.within_word for one in row.false_accepts)
        assert point.hours * 3600 == pytest.approx(row.segments[0].keyword_free_s)
    times = [one.detected_at_s for one in row.stimuli if one.detected] + [
        one.at_s for one in row.false_accepts
    ]
    assert len(times) == len(set(times))


def test_the_det_points_come_for_all_and_for_each_condition():
    two = [segment([YES], [HEARD_YES]), segment([NO], number=2, condition="2 m")]
    row = figures(*two)
    at_200 = [one for one in row.det if one.threshold == 200]
    assert [(one.condition, one.misses, one.keywords) for one in at_200] == [
        ("", 1, 2),
        ("quiet", 0, 1),
        ("2 m", 1, 1),
    ]
    assert [one.condition for one in figures(two[0], two[0]).det] == [""] * (len(row.det) // 3)


def test_det_points_leave_out_words_without_whole_averages():
    lossy = replace(segment([YES, NO], [HEARD_YES, HEARD_NO]), gaps=(Gap(2.0, 2.4, "lost"),))
    assert {one.keywords for one in figures(lossy).det} == {1}


def test_a_log_without_inferences_is_no_figure():
    empty = segment([YES])
    empty = replace(empty, times_ms=np.empty(0, np.uint32), scores=np.empty((0, 4), np.uint8), detections=())
    row = figures(empty)
    assert (row.stimuli[0].peak, row.stimuli[0].detected, row.timing) == (None, None, None)

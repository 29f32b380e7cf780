"""The search of a recognizer's parameters, against the figures of a field run with each."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_segments import LABELS, VARIANT, segment, word
from recognizer_library import RECOGNIZERS

from harness.recognizer import Recognizer
from harness.records.record import DetectionRow, FirmwareRow
from harness.stats import det
from harness.stats.det import used_point
from harness.stats.field_figures import field_figures
from harness.stats.recognizer import average, detect
from harness.stats.segment import Gap, PlayedSegment
from harness.stats.statistics import poisson_interval
from harness.stats.tuning import choice
from harness.stats.tuning.choice import tune
from harness.stats.tuning.grid import RULES, THRESHOLDS
from harness.stats.tuning.judging import judge, point
from harness.stats.tuning.limits import Limits, least_rate
from harness.stats.tuning.log import Log, read_log
from harness.stats.tuning.search import Search

WINDOW_S = 1.0


@pytest.fixture(scope="module", autouse=True)
def _nothing_twice():
    """Search each log once for all limits, and leave out the figures at 101 other thresholds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "Search", functools.cache(Search))
        patch.setattr(det, "THRESHOLDS", (200,))
        yield


def figures_of(recognizer: Recognizer, segments: list[PlayedSegment]) -> tuple[int, ...]:
    """Return the counts of a field run on a board with this recognizer."""
    firmware = FirmwareRow("codegen", "dsp", "-O2", "gcc", "cafe", 1, 1, 1, recognizer=recognizer)
    played = []
    for one in segments:
        found = detect(average(one.times_ms, one.scores, recognizer), LABELS, recognizer)
        rows = zip(found.labels.tolist(), found.scores.tolist(), found.times_ms.tolist(), strict=True)
        detections = [
            DetectionRow(LABELS[label], score, ms / 1000 - one.sound_starts_s) for label, score, ms in rows
        ]
        played.append(replace(one, detections=detections))
    variant = field_figures(replace(VARIANT, firmware=firmware), played, window_s=WINDOW_S)
    point = used_point(variant, None)
    return point.misses, point.keywords, point.false_accepts, point.accepted_non_keywords, point.non_keywords


def searched(log: Log, recognizer: Recognizer) -> tuple[int, ...]:
    missed, false, accepted = judge(log, recognizer).counts.sum(axis=0).tolist()
    spoken = log.words.are_keywords
    return missed, int(spoken.sum()), false, accepted, int((~spoken).sum())


def spoken(hears: list[tuple[str, str]], *, number: int = 1, speaker: str = "") -> PlayedSegment:
    """Return a segment with a word every 3 s: its label, and the label that the model hears for 0.3 s."""
    words = [word(label, 3.0 * place + 1) for place, (label, _) in enumerate(hears)]
    words = [replace(one, speaker=speaker or f"speaker {place}") for place, one in enumerate(words)]
    says = [
        (heard, 3000 * place + 1300, 3000 * place + 1600) for place, (_, heard) in enumerate(hears) if heard
    ]
    return segment(words, says, audio_s=3.0 * len(hears) + 3, number=number)


spacings = st.sampled_from([0.7, 2.5])  # with 0.7 s, words begin in the windows of others


@st.composite
def played(draw):
    """Return segments whose words and scores have nothing to do with each other."""
    made = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        onsets = draw(st.lists(st.integers(0, 12), max_size=4, unique=True))
        words = [
            word(draw(st.sampled_from(LABELS[1:])), draw(spacings) * onset + draw(st.integers(0, 40)) / 80)
            for onset in onsets
        ]
        says = [
            (
                draw(st.sampled_from(LABELS)),
                begin,
                begin + draw(st.integers(20, 3000)),
                draw(st.integers(90, 255)),
            )
            for begin in draw(st.lists(st.integers(0, 38_000), max_size=3))
        ]
        starts_s = draw(st.sampled_from([0.0, 3.3]))
        period_ms = draw(st.sampled_from([20, 33, 140]))
        made.append(
            segment(words, says, audio_s=36.0, period_ms=period_ms, number=number, sound_starts_s=starts_s)
        )
    return made


searched_recognizers = st.sampled_from(RECOGNIZERS) | st.builds(
    lambda rule, yes, no, ms: replace(rule, thresholds={"yes": yes, "no": no}, suppression_ms=ms),
    st.sampled_from(RULES),
    st.sampled_from(THRESHOLDS),
    st.sampled_from(THRESHOLDS),
    st.sampled_from([0, 500, 1500]),
)


@given(played(), searched_recognizers)
def test_a_candidate_is_judged_like_the_recognizer_on_a_board(segments, recognizer):
    assert searched(read_log(LABELS, segments, WINDOW_S), recognizer) == figures_of(recognizer, segments)


gaps = st.lists(st.builds(lambda begin_s, s: Gap(begin_s, begin_s + s, "lost"), *[st.integers(0, 30)] * 2))


@given(played(), gaps, searched_recognizers)
def test_curve_page_and_search_count_the_same_at_a_threshold(segments, gaps, recognizer):
    segments = [replace(segments[0], gaps=gaps), *segments[1:]]
    own = replace(recognizer, threshold=100)
    firmware = FirmwareRow("codegen", "dsp", "-O2", "gcc", "cafe", 1, 1, 1, recognizer=own)
    figures = field_figures(replace(VARIANT, firmware=firmware), segments, threshold=200, window_s=WINDOW_S)
    equal = replace(recognizer, threshold=200, thresholds={})
    log = read_log(LABELS, segments, WINDOW_S, equal)
    (on_curve,), used = figures.det, used_point(figures, 200)
    assert on_curve == replace(point(log, judge(log, equal).counts), threshold=200)
    assert used == replace(on_curve, hours=pytest.approx(on_curve.hours))


def test_words_without_an_inference_are_missed():
    silent = replace(
        spoken([("yes", "")]), times_ms=np.empty(0, np.uint32), scores=np.empty((0, 4), np.uint8)
    )
    log = read_log(LABELS, [silent, spoken([("yes", "yes")], number=2), silent], WINDOW_S)
    assert searched(log, Recognizer("mean", 100)) == (2, 3, 0, 0, 0)


@given(played())
@settings(max_examples=5)
def test_every_candidate_has_the_counts_that_it_has_alone(segments):
    log = read_log(LABELS, segments, WINDOW_S)
    search = Search(log)
    for place in np.random.default_rng(0).integers(0, len(search.recognizers), 40).tolist():
        assert (search.counts[place] == judge(log, search.recognizers[place]).counts).all()


def test_hours_are_shared_by_the_folds_and_are_those_of_the_figures():
    segments = [spoken([("yes", "yes"), ("unknown", "no")]), segment(audio_s=700.0, number=2)]
    log = read_log(LABELS, segments, WINDOW_S)
    seconds = sum(one.keyword_free_s for one in field_figures(VARIANT, segments).segments)
    assert log.hours.sum() == pytest.approx(seconds / 3600)
    assert log.hours[0] == pytest.approx(log.hours[1], rel=0.1)


def test_words_beside_lost_records_do_not_count():
    lossy = replace(spoken([("yes", "yes"), ("no", "no")]), gaps=(Gap(0.0, 0.5, "lost"),))
    # An average of the slowest rule lacks the lost scores for nearly four seconds.
    assert len(read_log(LABELS, [lossy], WINDOW_S).words.labels) == 0


SHORT = [("yes", "yes"), ("no", "no"), ("unknown", ""), ("yes", "yes"), ("no", "no"), ("unknown", "")] * 4


def test_words_too_short_for_the_default_are_found():
    """A mean over 1 s of a word that the model hears for 0.3 s is below 200."""
    log = read_log(LABELS, [spoken(SHORT), segment(audio_s=600.0, number=2)], WINDOW_S)
    found = tune(log, Limits())
    assert (found.default.point.misses, found.chosen.point.misses) == (16, 0)
    assert found.chosen.recognizer.suppression_ms == 1500, "of equal ones the longest"
    assert found.chosen.point.false_accepts == found.chosen.point.accepted_non_keywords == 0
    assert found.held_out.tuned.misses == 0 and found.held_out.default.misses == 16
    assert found.held_out.gain == (1.0, 1.0, 1.0)
    assert found.chosen.detected == found.default.detected == (-np.inf, np.inf), "all, and none"


def test_limits_of_false_accepts_and_of_other_words_are_kept():
    """The model hears "no" as long in noise and for half of the other words as for the word itself."""
    hears = [("yes", "yes"), ("no", "no"), ("unknown", "no"), ("unknown", "")] * 6
    noise = segment(says=[("no", 20_000, 20_300)], audio_s=600.0, number=2)
    log = read_log(LABELS, [spoken(hears), noise], WINDOW_S)
    strict = tune(log, Limits(accepted=1.0)).chosen.point
    assert (strict.misses, strict.false_accepts) == (6, 0)
    lax = tune(log, Limits(per_hour=40.0, accepted=1.0)).chosen.point
    assert (lax.misses, lax.false_accepts, lax.accepted_non_keywords) == (0, 1, 6)
    few = tune(log, Limits(per_hour=40.0, accepted=0.1)).chosen.point
    assert (few.misses, few.accepted_non_keywords) == (6, 0)


def test_no_candidate_of_a_front_is_beaten_by_another():
    rng = np.random.default_rng(3)
    hears = [(label, str(rng.choice(LABELS[1:]))) for label in rng.choice(LABELS[1:], 40)]
    noise = segment(says=[("yes", t, t + 90 + t % 700) for t in range(9000, 500_000, 20_007)], audio_s=600.0)
    log = read_log(LABELS, [spoken(hears), replace(noise, row=replace(noise.row, number=2))], WINDOW_S)
    found = tune(log, Limits(per_hour=200.0, accepted=1.0))
    for front in found.by_false.values():
        points = [(one.point.false_accepts, one.point.misses) for one in front]
        assert points == sorted(points) and len({misses for _, misses in points}) == len(points) > 0
    within = [one for one in found.by_false["mean"] if one.point.false_accepts <= 20]
    assert min(one.point.misses for one in within) >= found.chosen.point.misses


def test_the_smallest_limits_that_let_every_keyword_be_detected_are_found():
    """The model hears "no" once in noise, and for 12 of 24 other words, as long as for the word itself."""
    hears = [("yes", "yes"), ("no", "no"), ("unknown", "no"), ("unknown", "")] * 12
    noise = segment(says=[("no", 20_000, 20_300)], audio_s=600.0, number=2)
    log = read_log(LABELS, [spoken(hears), noise], WINDOW_S)
    no_false = tune(log, Limits(accepted=1.0))
    assert no_false.undetected == {"no": 12}
    (wider,) = no_false.wider_limits
    hours = no_false.chosen.point.hours
    assert wider.accepted == 1.0 and wider.most_false(hours) == 1 and wider.per_hour == least_rate(1, hours)
    assert tune(log, wider).undetected == {}
    few_words = tune(log, replace(wider, accepted=0.15))
    assert few_words.undetected == {"no": 12} and few_words.wider_limits == [replace(wider, accepted=0.5)]
    assert tune(log, Limits()).wider_limits == [replace(wider, accepted=0.5)], "neither alone is enough"
    assert tune(log, replace(wider, accepted=0.5)).wider_limits == []


def test_a_keyword_that_no_recognizer_detects_has_no_limits():
    log = read_log(LABELS, [spoken([("yes", "yes"), ("no", "")] * 4)], WINDOW_S)
    found = tune(log, Limits())
    assert found.undetected == {"no": 4} and found.wider_limits == []


@given(st.integers(0, 200), st.floats(0.01, 100))
def test_the_least_rate_is_kept_by_its_events(events, hours):
    rate = least_rate(events, hours)
    assert Limits(rate).most_false(hours) >= events and float(f"{rate:.3g}") == rate
    assert rate <= 1.011 * poisson_interval(events, hours)[1]


def test_a_model_that_hears_nothing_has_no_wider_limits():
    log = read_log(LABELS, [spoken([("yes", ""), ("no", "")]), segment(audio_s=60.0, number=2)], WINDOW_S)
    found = tune(log, Limits())
    assert found.undetected == {"yes": 1, "no": 1} and found.wider_limits == []


def test_the_smallest_limits_that_let_a_keyword_be_detected_are_found_if_none_is():
    """The model hears "yes" once in noise, as long as in the word, and never hears "no"."""
    noise = segment(says=[("yes", 20_000, 20_300)], audio_s=600.0, number=2)
    log = read_log(LABELS, [spoken([("yes", "yes"), ("no", "")] * 4), noise], WINDOW_S)
    found = tune(log, Limits())
    assert found.undetected == {"yes": 4, "no": 4}
    assert found.wider_limits == [Limits(least_rate(1, found.chosen.point.hours))]
    assert tune(log, *found.wider_limits).undetected == {"no": 4}


def test_one_speaker_cannot_be_held_out():
    found = tune(read_log(LABELS, [spoken(SHORT, speaker="anna")], WINDOW_S), Limits())
    assert found.held_out is None and found.speakers == 1
    assert found.chosen.detected == (-np.inf, np.inf)


def test_a_keyword_of_half_the_speakers_cannot_be_held_out():
    """The other half would be judged by a threshold that never detects it."""
    said = (("yes", "anna"), ("no", "ben"))
    segments = [
        spoken([(label, label)] * 4, number=number, speaker=name)
        for number, (label, name) in enumerate(said, start=1)
    ]
    log = read_log(LABELS, segments, WINDOW_S)
    found = tune(log, Limits())
    assert len(set(log.words.folds.tolist())) == 2 and found.chosen.point.misses == 0
    assert found.held_out is None


def test_as_many_other_words_are_accepted_as_the_limit_says():
    assert [Limits(accepted=percent / 100).most_accepted(100) for percent in range(101)] == [*range(101)]
    assert Limits(accepted=0.15).most_accepted(19) == 2


@pytest.mark.parametrize(
    ("per_hour", "hours", "most"),
    [
        (None, 0.1, 0),
        (None, 0.0, None),
        (1.0, 0.0, None),
        (1.0, 2.9, None),
        (1.0, 3.0, 0),
        (1.0, 5.5, 0),
        (1.0, 5.6, 1),
        (3.0, 10.0, 19),
        (1e5, 1e3, 99_980_400),
    ],
)
def test_the_most_false_accepts_whose_interval_keeps_the_limit(per_hour, hours, most):
    assert Limits(per_hour).most_false(hours) == most

"""Every status is reached, by the night that it is meant for, with a sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_nights import (
    CANARY_US,
    FLASH,
    FLOAT,
    HASH,
    INT8,
    INT8_US,
    accepted,
    canary,
    night,
    of,
    quiet_nights,
    said,
    stamp,
    time_of,
    with_verdicts,
)

from harness.records.verdict import SeriesName
from harness.regression.series import Block, measured
from harness.regression.verdict import judge

SLOWER = INT8_US * 1.02


def test_ok(nights, baseline):
    verdict = judge(night(14), nights, baseline)
    assert {item.status for item in verdict.series} == {"ok"}
    assert verdict.exit_code == 0
    assert verdict.sentence == "Nothing changed on nano33ble: all 3 series are as accepted."


def test_what_is_slower_waits_for_its_confirmation(nights, baseline):
    verdict = judge(night(14, SLOWER), nights, baseline)
    assert of(INT8, verdict).status == "suspect"
    assert list(verdict.to_confirm) == [INT8]
    assert "measure it again at once" in of(INT8, verdict).sentence
    assert verdict.exit_code == 5


def test_regressed(nights, baseline):
    tonight = night(14, SLOWER, confirmations={INT8: time_of(SLOWER * 1.001)})
    verdict = judge(tonight, nights, baseline)
    found = of(INT8, verdict)
    assert found.status == "regressed"
    assert found.change == pytest.approx(0.02, abs=0.003)
    assert found.nights == 14
    assert found.reference < found.limit < found.value
    for part in (
        "slower",
        "33,782 µs against 33,",
        "14 nights since 2026-11-01",
        "33,816 µs",
        "baseline accept",
    ):
        assert part in found.sentence
    assert (verdict.status, verdict.exit_code, verdict.to_confirm) == ("regressed", 3, ())
    assert verdict.sentence.startswith(
        "1 regressed of 3 series on nano33ble: tinyconv-int8/codegen/inference_us"
    )


def test_suspect_because_the_second_measurement_is_as_before(nights, baseline):
    verdict = judge(night(14, SLOWER, confirmations={INT8: time_of(INT8_US)}), nights, baseline)
    assert of(INT8, verdict).status == "suspect"
    assert "but a second measurement took" in of(INT8, verdict).sentence
    assert verdict.to_confirm == (), "never rerun until it is green"


def test_suspect_because_the_second_measurement_broke(nights, baseline):
    broke = measured([Block((), 50, 50)] * 3, "a")
    found = said(night(14, SLOWER, confirmations={INT8: broke}), nights, baseline)
    assert (found.status, found.to_confirm) == ("suspect", False)
    assert "records were lost" in found.sentence


def test_improved_is_reported_with_the_command_that_accepts_it(nights, baseline):
    found = said(night(14, INT8_US * 0.97), nights, baseline)
    assert (found.status, found.exit_code) == ("improved", 0)
    assert f"earshot baseline accept --board nano33ble --series {INT8} --reason" in found.sentence
    assert "faster" in found.sentence


def test_improvements_that_nobody_accepted_do_not_become_the_measure(nights, baseline):
    row = list(nights)
    for index in range(14, 30):
        tonight = night(index, INT8_US * 0.97)
        verdict = judge(tonight, row, baseline)
        assert of(INT8, verdict).status == "improved"
        row.append(with_verdicts(tonight, verdict))


def test_a_regression_stays_one_until_it_is_undone(nights, baseline):
    row = list(nights)
    for index in range(14, 40):
        tonight = night(index, SLOWER, confirmations={INT8: time_of(SLOWER)})
        verdict = judge(tonight, row, baseline)
        assert of(INT8, verdict).status == "regressed"
        row.append(with_verdicts(tonight, verdict))
    assert said(night(40), row, baseline).status == "ok"


@pytest.mark.parametrize("change", [1, -1])
def test_changed_in_either_direction_by_one_byte(nights, baseline, change):
    verdict = judge(night(14, exact={FLASH: 61_312 + change}), nights, baseline)
    found = of(FLASH, verdict)
    assert found.status == "changed"
    assert (
        f"from 61,312 bytes, accepted on 2026-12-01, to {61_312 + change:,} bytes ({change:+}"
        in found.sentence
    )
    assert verdict.exit_code == 3


def test_noisy_is_not_judged():
    nights = quiet_nights(night_sd=0.03)
    verdict = judge(night(14, INT8_US * 1.3), nights, accepted(nights))
    assert of(INT8, verdict).status == "noisy"
    assert "from night to night" in of(INT8, verdict).sentence
    assert verdict.exit_code == 5


def test_a_microsecond_more_of_a_short_stage_is_no_noise():
    short = SeriesName("tinyconv-int8", "codegen", "postprocess_us", "pcm")
    nights = [night(index, times={short: time_of(30 + index % 2)}) for index in range(14)]
    assert said(night(14, times={short: time_of(31)}), nights, accepted(nights), short).status == "ok"


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("core", {"environment": {"core": "4.3.0", "compiler": "7-2017q4"}}),
        ("compiler", {"environment": {"core": "4.2.1", "compiler": "12.2"}}),
        ("library", {"environment": {"core": "4.2.1", "compiler": "7-2017q4", "library": "tflm 1.0"}}),
        ("procedure", {"procedure": 2}),
        ("board", {"uid": "BEEF"}),
    ],
)
def test_an_environment_that_changed_proposes_an_epoch(nights, baseline, name, differing):
    verdict = judge(night(14, SLOWER, exact={FLASH: 70_000}, **differing), nights, baseline)
    assert {item.status for item in verdict.series} == {"env-changed"}
    assert verdict.proposes_epoch
    assert list(verdict.differences) == [name]
    assert f"{name} went from " in of(INT8, verdict).sentence
    assert verdict.exit_code == 5


def test_canary_moved(nights, baseline):
    verdict = judge(night(14, SLOWER, canary=canary(CANARY_US * 1.02)), nights, baseline)
    assert of(INT8, verdict).status == "canary-moved"
    assert "+2.00%" in of(INT8, verdict).sentence
    assert of(FLASH, verdict).status == "ok", "bytes do not move"
    assert verdict.exit_code == 5


def test_canary_moved_within_the_night(nights, baseline):
    found = said(night(14, canary=canary(CANARY_US * 0.993, CANARY_US * 1.007)), nights, baseline)
    assert found.status == "canary-moved"
    assert "in one night" in found.sentence


def test_a_canary_that_was_rebuilt(nights, baseline):
    found = said(night(14, canary=canary(image="d" * 64)), nights, baseline)
    assert found.status == "canary-moved"
    assert "another image, dddddddd" in found.sentence


def test_times_are_divided_by_a_clean_canary(nights, baseline):
    warm = 1.008
    tonight = night(14, INT8_US * warm, canary=canary(CANARY_US * warm))
    assert said(tonight, nights, baseline).value == pytest.approx(INT8_US)


def test_earlier_times_are_divided_by_their_own_canary(baseline):
    warmth = [1 + (index % 5 - 2) * 0.004 for index in range(14)]
    warm = [
        night(index, INT8_US * by, canary=canary(CANARY_US * by), times={INT8: time_of(INT8_US * by)})
        for index, by in enumerate(warmth)
    ]
    assert said(night(14), warm, baseline).night_sd < 1e-6


def test_a_confirmation_is_divided_by_the_canary(nights, baseline):
    warm = 1.008
    tonight = night(14, SLOWER * warm, canary=canary(CANARY_US * warm))
    for again, status in ((SLOWER * warm, "regressed"), (INT8_US * 1.004 * warm, "suspect")):
        confirmed = replace(tonight, confirmations={INT8: time_of(again)})
        assert said(confirmed, nights, baseline).status == status


def test_new_series(nights, baseline):
    other = SeriesName("ds-cnn", "codegen", "inference_us", "pcm")
    tonight = night(14)
    verdict = judge(replace(tonight, times={**tonight.times, other: time_of(9)}), nights, baseline)
    assert of(other, verdict).status == "new"
    assert verdict.exit_code == 0


def test_new_board(nights):
    verdict = judge(nights[0], [], None)
    assert {item.status for item in verdict.series} == {"new"}
    assert verdict.proposes_epoch


def test_too_few_nights_are_new():
    nights = quiet_nights(4)
    found = said(night(4, SLOWER), nights, accepted(nights))
    assert found.status == "new"
    assert "has 4 of the 5 clean nights" in found.sentence


def test_missing_series(nights, baseline):
    verdict = judge(night(14, times={FLOAT: time_of(128_430)}), nights, baseline)
    assert of(INT8, verdict).status == "missing"
    assert verdict.exit_code == 4


def test_broken_variant(nights, baseline):
    tonight = night(14, SLOWER, faults={("tinyconv-int8", "codegen"): "accuracy: outputs differ."})
    verdict = judge(tonight, nights, baseline)
    assert of(INT8, verdict).status == of(FLASH, verdict).status == "broken"
    assert "accuracy: outputs differ." in of(INT8, verdict).sentence
    assert of(FLOAT, verdict).status == "ok"
    assert verdict.exit_code == 4


def test_a_variant_that_broke_before_it_was_ever_measured_is_told(nights, baseline):
    verdict = judge(night(14, faults={("huge", "tflm"): "does-not-fit"}), nights, baseline)
    assert of(SeriesName("huge", "tflm", "-", "-"), verdict).status == "broken"


def test_advisory_until_ten_nights_of_one_image():
    nights = [
        replace(made, times={INT8: replace(made.times[INT8], image=str(index % 2))})
        for index, made in enumerate(quiet_nights(18))
    ]
    baseline = accepted(nights)
    tonight = night(18, times={INT8: time_of(SLOWER)}, confirmations={INT8: time_of(SLOWER)})
    verdict = judge(tonight, nights, baseline)
    found = of(INT8, verdict)
    assert (found.status, found.advisory, verdict.exit_code) == ("regressed", True, 0)
    assert "advisory: 9 of 10 nights of one image" in found.sentence
    more = [
        *nights,
        replace(nights[0], id="tenth", digest="tenth", started=stamp(18, -4), ended=stamp(18, -3)),
    ]
    assert judge(tonight, more, baseline).exit_code == 3


def test_nights_after_tonight_do_not_end_the_advisory_time(nights, baseline):
    later = [night(index) for index in range(20, 40)]
    assert said(night(9), [*nights, *later], baseline).advisory
    assert not said(night(10), [*nights, *later], baseline).advisory


def test_a_creep_is_held_against_the_pinned_reference(nights, baseline):
    row = list(nights)
    for index in range(1, 16):
        value = INT8_US * (1 + 0.001 * index)
        tonight = night(13 + index, value, confirmations={INT8: time_of(value)})
        verdict = judge(tonight, row, baseline)
        if of(INT8, verdict).status == "regressed":
            break
        row.append(with_verdicts(tonight, verdict))
    assert of(INT8, verdict).status == "regressed"
    assert "gradually" in of(INT8, verdict).sentence


def test_many_findings_in_one_night_are_one_sentence_about_the_worst(nights, baseline):
    times = {INT8: time_of(SLOWER), FLOAT: time_of(128_430 * 1.3)}
    verdict = judge(night(14, times=times, confirmations=times, exact={FLASH: 1}), nights, baseline)
    assert verdict.sentence.startswith("2 regressed, 1 changed of 3 series on nano33ble: tinyconv-float32")


def test_a_hash_is_held_against_the_same_commit_only(nights, baseline):
    def built(index, commit, sha):
        return night(index, commit=commit, exact={FLASH: 61_312, HASH: sha})

    before = [*nights, built(14, "new", "aa")]
    assert said(built(15, "newer", "bb"), before, baseline, HASH).status == "ok"
    assert said(built(15, "new", "aa"), before, baseline, HASH).status == "ok"
    found = said(built(15, "new", "bb"), before, baseline, HASH)
    assert found.status == "changed"
    assert "not reproducible" in found.sentence
    dirty = replace(built(15, "new", "bb"), dirty=True)
    assert said(dirty, before, baseline, HASH).status == "ok", "that is not what the commit was"

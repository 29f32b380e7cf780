"""Every status, on the night that causes it, with its sentence and exit code."""

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
    stamp,
    time_of,
    verdict_on,
    with_verdicts,
)

from harness.records.verdict import STATUSES, SeriesName, SeriesVerdict, exit_code
from harness.regression.series import Block, measured
from harness.regression.verdict import judge

SLOWER = INT8_US * 1.02


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *[(status, 3) for status in ("regressed", "changed")],
        *[(status, 4) for status in ("broken", "missing")],
        *[(status, 5) for status in ("suspect", "canary-moved", "env-changed", "noisy")],
        *[(status, 0) for status in ("improved", "new", "ok")],
    ],
)
def test_exit_codes(status, code):
    item = SeriesVerdict(str(INT8), status, "")
    assert exit_code([item], dirty=False) == code
    advisory = replace(item, advisory=True)
    assert exit_code([advisory], dirty=False) == (
        0 if status in ("regressed", "changed", "suspect") else code
    )
    everything = [SeriesVerdict(str(INT8), each, "") for each in STATUSES]
    assert exit_code([item, *everything], dirty=False) == 3


def test_ok(nights, baseline):
    verdict = judge(night(14), nights, baseline)
    assert {item.status for item in verdict.series} == {"ok"}
    assert verdict.exit_code == 0
    assert verdict.sentence == "Nothing changed on nano33ble: all 3 series are as accepted."


def test_a_slower_series_is_suspect_until_its_confirmation(nights, baseline):
    verdict = judge(night(14, SLOWER), nights, baseline)
    assert of(INT8, verdict).status == "suspect"
    assert verdict.to_confirm == (INT8,)
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
        "slower, 33,782 µs against 33,",
        "14 nights since 2026-11-01",
        "33,816 µs",
        "baseline accept",
    ):
        assert part in found.sentence
    assert (verdict.status, verdict.exit_code, verdict.to_confirm) == ("regressed", 3, ())
    assert verdict.sentence.startswith(f"1 regressed of 3 series on nano33ble: {INT8} is")


@pytest.mark.parametrize(
    ("second", "part"),
    [
        (time_of(INT8_US), "but a second measurement took 33,120 µs"),
        (measured([Block((), 50, 50)] * 3, "a"), "records were lost"),
    ],
)
def test_a_second_measurement_that_does_not_confirm_leaves_it_suspect(nights, baseline, second, part):
    found = verdict_on(night(14, SLOWER, confirmations={INT8: second}), nights, baseline)
    assert (found.status, found.to_confirm) == ("suspect", False), "measured again once, whatever the result"
    assert part in found.sentence


def test_improved(nights, baseline):
    found = verdict_on(night(14, INT8_US * 0.97), nights, baseline)
    assert (found.status, found.exit_code) == ("improved", 0)
    assert f"earshot baseline accept --board nano33ble --series {INT8} --reason" in found.sentence
    assert "faster" in found.sentence


@pytest.mark.parametrize(("value", "status"), [(INT8_US * 0.97, "improved"), (SLOWER, "regressed")])
def test_deviating_nights_do_not_become_the_reference(nights, baseline, value, status):
    row = list(nights)
    for index in range(14, 32):
        tonight = night(index, value, confirmations={INT8: time_of(value)})
        verdict = judge(tonight, row, baseline)
        assert of(INT8, verdict).status == status
        row.append(with_verdicts(tonight, verdict))
    assert verdict_on(night(32), row, baseline).status == "ok"


@pytest.mark.parametrize("change", [1, -1])
def test_changed_by_one_byte(nights, baseline, change):
    verdict = judge(night(14, exact={FLASH: 61_312 + change}), nights, baseline)
    sentence = f"from 61,312 bytes, accepted on 2026-12-01, to {61_312 + change:,} bytes ({change:+}"
    assert of(FLASH, verdict).status == "changed"
    assert sentence in of(FLASH, verdict).sentence
    assert verdict.exit_code == 3


def test_noisy():
    nights = quiet_nights(night_sd=0.03)
    verdict = judge(night(14, INT8_US * 1.3), nights, accepted(nights))
    assert of(INT8, verdict).status == "noisy"
    assert "from night to night" in of(INT8, verdict).sentence
    assert verdict.exit_code == 5


def test_one_microsecond_of_a_short_stage_is_not_noise():
    short = SeriesName("tinyconv-int8", "codegen", "postprocess_us", "pcm")
    nights = [night(index, times={short: time_of(30 + index % 2)}) for index in range(14)]
    assert verdict_on(night(14, times={short: time_of(31)}), nights, accepted(nights), short).status == "ok"


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("core", {"environment": {"core": "4.3.0", "compiler": "7-2017q4"}}),
        ("library", {"environment": {"core": "4.2.1", "compiler": "7-2017q4", "library": "tflm 1.0"}}),
        ("procedure", {"procedure": 2}),
        ("board", {"uid": "BEEF"}),
    ],
)
def test_a_changed_environment_proposes_an_epoch(nights, baseline, name, differing):
    verdict = judge(night(14, SLOWER, exact={FLASH: 70_000}, **differing), nights, baseline)
    assert {item.status for item in verdict.series} == {"env-changed"}
    assert verdict.proposes_epoch
    assert list(verdict.differences) == [name]
    assert f"{name} went from " in of(INT8, verdict).sentence
    assert verdict.exit_code == 5


@pytest.mark.parametrize(
    ("moved", "part"),
    [
        (canary(CANARY_US * 1.02), "+2.00%"),
        (canary(CANARY_US * 0.993, CANARY_US * 1.007), "during the night"),
        (canary(image="d" * 64), "another image, dddddddd"),
    ],
)
def test_canary_moved(nights, baseline, moved, part):
    verdict = judge(night(14, SLOWER, canary=moved), nights, baseline)
    assert of(INT8, verdict).status == "canary-moved"
    assert part in of(INT8, verdict).sentence
    assert of(FLASH, verdict).status == "ok", "sizes do not depend on the bench"
    assert verdict.exit_code == 5


def test_times_are_divided_by_the_canary_of_their_night(nights, baseline):
    warm = 1.008
    tonight = night(14, SLOWER * warm, canary=canary(CANARY_US * warm))
    assert verdict_on(tonight, nights, baseline).value == pytest.approx(SLOWER)
    for again, status in ((SLOWER * warm, "regressed"), (INT8_US * 1.004 * warm, "suspect")):
        confirmed = replace(tonight, confirmations={INT8: time_of(again)})
        assert verdict_on(confirmed, nights, baseline).status == status
    factors = [1 + (index % 5 - 2) * 0.004 for index in range(14)]
    earlier = [
        night(index, canary=canary(CANARY_US * by), times={INT8: time_of(INT8_US * by)})
        for index, by in enumerate(factors)
    ]
    assert verdict_on(night(14), earlier, baseline).night_sd < 1e-6


def test_new(nights, baseline):
    other = SeriesName("ds-cnn", "codegen", "inference_us", "pcm")
    tonight = night(14)
    verdict = judge(replace(tonight, times={**tonight.times, other: time_of(9)}), nights, baseline)
    assert of(other, verdict).status == "new"
    assert verdict.exit_code == 0
    first = judge(nights[0], [], None)
    assert {item.status for item in first.series} == {"new"}
    assert first.proposes_epoch


def test_a_series_with_too_few_nights_is_new():
    nights = quiet_nights(4)
    found = verdict_on(night(4, SLOWER), nights, accepted(nights))
    assert found.status == "new"
    assert "has 4 of the 5 clean nights" in found.sentence


def test_missing(nights, baseline):
    verdict = judge(night(14, times={FLOAT: time_of(128_430)}), nights, baseline)
    assert of(INT8, verdict).status == "missing"
    assert verdict.exit_code == 4


def test_broken_variant(nights, baseline):
    faults = {("tinyconv-int8", "codegen"): "accuracy: outputs differ.", ("huge", "tflm"): "build"}
    verdict = judge(night(14, SLOWER, faults=faults), nights, baseline)
    assert of(INT8, verdict).status == of(FLASH, verdict).status == "broken"
    assert "accuracy: outputs differ." in of(INT8, verdict).sentence
    assert of(SeriesName("huge", "tflm", "-", "-"), verdict).status == "broken", "was never measured"
    assert of(FLOAT, verdict).status == "ok"
    assert verdict.exit_code == 4


def test_advisory_until_ten_nights_of_one_image(nights, baseline):
    row = [
        replace(made, times={INT8: replace(made.times[INT8], image=str(index % 2))})
        for index, made in enumerate(quiet_nights(18))
    ]
    tonight = night(18, times={INT8: time_of(SLOWER)}, confirmations={INT8: time_of(SLOWER)})
    verdict = judge(tonight, row, accepted(row))
    found = of(INT8, verdict)
    assert (found.status, found.advisory, verdict.exit_code) == ("regressed", True, 0)
    assert "advisory: 9 of 10 nights of one image" in found.sentence
    tenth = replace(row[0], id="tenth", digest="tenth", started=stamp(18, -4), ended=stamp(18, -3))
    assert judge(tonight, [*row, tenth], accepted(row)).exit_code == 3
    later = [night(index) for index in range(20, 40)]
    assert verdict_on(night(9), [*nights, *later], baseline).advisory, "later nights do not count"
    assert not verdict_on(night(10), [*nights, *later], baseline).advisory


def test_a_creep_is_compared_with_the_pinned_reference(nights, baseline):
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


def test_the_headline_counts_findings_and_tells_the_worst(nights, baseline):
    times = {INT8: time_of(SLOWER), FLOAT: time_of(128_430 * 1.3)}
    verdict = judge(night(14, times=times, confirmations=times, exact={FLASH: 1}), nights, baseline)
    assert verdict.sentence.startswith("2 regressed, 1 changed of 3 series on nano33ble: tinyconv-float32")


def test_a_hash_is_compared_with_the_same_commit(nights, baseline):
    def built(index, commit, sha):
        return night(index, commit=commit, exact={FLASH: 61_312, HASH: sha})

    before = [*nights, built(14, "new", "aa")]
    assert verdict_on(built(15, "newer", "bb"), before, baseline, HASH).status == "ok"
    assert verdict_on(built(15, "new", "aa"), before, baseline, HASH).status == "ok"
    found = verdict_on(built(15, "new", "bb"), before, baseline, HASH)
    assert found.status == "changed"
    assert "not reproducible" in found.sentence
    dirty = replace(built(15, "new", "bb"), dirty=True)
    assert verdict_on(dirty, before, baseline, HASH).status == "ok", "is not what the commit was"

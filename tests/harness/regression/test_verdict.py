"""Every status, on the night that causes it, with its sentence and exit code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_nights import (
    AT,
    CANARY_US,
    FLASH,
    FLOAT,
    HASH,
    INT8,
    INT8_US,
    NIGHT_SD,
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

from harness import format as fmt
from harness.records.verdict import STATUSES, SeriesName, SeriesVerdict, exit_code
from harness.regression.acceptance import accept
from harness.regression.nights import Night
from harness.regression.series import Block, measured
from harness.regression.verdict import judge

SLOWER = INT8_US * 1.02
ENERGY = SeriesName("tinyconv-int8", "codegen", "inference_nj", "clip")
ENERGY_NJ = 102_345.0


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
    harmless = status in ("regressed", "changed", "suspect")
    assert exit_code([advisory], dirty=False) == (0 if harmless else code)
    everything = [SeriesVerdict(str(INT8), each, "") for each in STATUSES]
    assert exit_code([item, *everything], dirty=False) == 3


@pytest.mark.parametrize(("tick_us", "status"), [(1.0, "ok"), (0.001, "regressed")])
def test_a_short_series_is_judged_in_steps_of_its_clock(tick_us, status):
    """20 µs of a microcontroller's clock are no finding; of a computer's, 20 ns are the least one."""
    before = [night(number, 25.0 + 0.02 * (number % 3), tick_us=tick_us) for number in range(14)]
    tonight = night(14, 26.25, tick_us=tick_us, confirmations={INT8: time_of(26.25)})
    found = verdict_on(tonight, before, accepted(before))
    assert found.status == status, found.sentence
    assert "26.25 µs" in found.sentence and "25.02 µs" in found.sentence


def test_a_slower_series_is_suspect_and_regressed_once_confirmed(nights, baseline):
    equal = judge(night(14), nights, baseline)
    assert (equal.status, equal.exit_code) == ("ok", 0)
    verdict = judge(night(14, SLOWER), nights, baseline)
    assert (of(INT8, verdict).status, verdict.to_confirm, verdict.exit_code) == ("suspect", (INT8,), 5)
    tonight = night(14, SLOWER, confirmations={INT8: time_of(SLOWER * 1.001)})
    verdict = judge(tonight, nights, baseline)
    found = of(INT8, verdict)
    assert found.status == "regressed"
    assert (found.change, found.nights) == (pytest.approx(0.02, abs=0.003), 14)
    assert found.reference < found.limit < found.value
    assert "slower, 33,782 µs against 33," in found.sentence and "baseline accept" in found.sentence
    assert (verdict.status, verdict.exit_code, verdict.to_confirm) == ("regressed", 3, ())


@pytest.mark.parametrize("second", [time_of(INT8_US), measured([Block((), 50, 50)] * 3, "a")])
def test_a_second_measurement_that_does_not_confirm_leaves_it_suspect(nights, baseline, second):
    found = verdict_on(night(14, SLOWER, confirmations={INT8: second}), nights, baseline)
    assert (found.status, found.to_confirm) == ("suspect", False), "measured again once, whatever the result"


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
    assert (of(FLASH, verdict).status, verdict.exit_code) == ("changed", 3)
    assert f"to {61_312 + change:,} bytes ({fmt.added(change)}" in of(FLASH, verdict).sentence


def test_noisy():
    nights = quiet_nights(night_sd=0.03)
    verdict = judge(night(14, INT8_US * 1.3), nights, accepted(nights))
    assert (of(INT8, verdict).status, verdict.exit_code) == ("noisy", 5)


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("core", {"environment": {"core": "4.3.0", "compiler": "7-2017q4"}}),
        ("procedure", {"procedure": 2}),
        ("board", {"uid": "BEEF"}),
    ],
)
def test_a_changed_environment_proposes_an_epoch(nights, baseline, name, differing):
    verdict = judge(night(14, SLOWER, exact={FLASH: 70_000}, **differing), nights, baseline)
    assert {item.status for item in verdict.series} == {"env-changed"}
    assert verdict.proposes_epoch and verdict.exit_code == 5
    assert list(verdict.differences) == [name]


@pytest.mark.parametrize(
    ("moved", "part"),
    [
        (canary(CANARY_US * 1.02), "+2.00\u00a0%"),
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


def test_new(nights, baseline):
    other = SeriesName("ds-cnn", "codegen", "inference_us", "pcm")
    tonight = night(14)
    verdict = judge(replace(tonight, times={**tonight.times, other: time_of(9)}), nights, baseline)
    assert of(other, verdict).status == "new"
    assert verdict.exit_code == 0
    first = judge(nights[0], [], None)
    assert {item.status for item in first.series} == {"new"}
    assert first.proposes_epoch
    few = quiet_nights(4)
    assert verdict_on(night(4, SLOWER), few, accepted(few)).status == "new"


def test_missing(nights, baseline):
    verdict = judge(night(14, times={FLOAT: time_of(128_430)}), nights, baseline)
    assert (of(INT8, verdict).status, verdict.exit_code) == ("missing", 4)


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
    assert "advisory: only 9 of 10 required nights of one image" in found.sentence
    tenth = replace(row[0], id="tenth", digest="tenth", started=stamp(18, -4), ended=stamp(18, -3))
    assert judge(tonight, [*row, tenth], accepted(row)).exit_code == 3
    later = [night(index) for index in range(20, 40)]
    assert verdict_on(night(9), [*nights, *later], baseline).advisory, "later nights do not count"


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


def test_a_hash_is_compared_with_the_same_commit(nights, baseline):
    def built(index, commit, sha):
        return night(index, commit=commit, exact={FLASH: 61_312, HASH: sha})

    before = [*nights, built(14, "new", "aa")]
    assert verdict_on(built(15, "newer", "bb"), before, baseline, HASH).status == "ok"
    assert verdict_on(built(15, "new", "aa"), before, baseline, HASH).status == "ok"
    assert verdict_on(built(15, "new", "bb"), before, baseline, HASH).status == "changed"
    dirty = replace(built(15, "new", "bb"), dirty=True)
    assert verdict_on(dirty, before, baseline, HASH).status == "ok", "is not what the commit was"


SAMPLES = tuple(float(33_000 + index % 7) for index in range(50))


def modeled(index: int, samples=SAMPLES, **changes):
    made = measured([Block(tuple(samples), 50)] * 3, "a")
    changes = {"times": {INT8: made}, "canary": canary(4_999.5), **changes}
    return night(index, modeled=True, board="emulated", uid="emulated-1", **changes)


MODELED = [modeled(index) for index in range(3)]


def test_an_equal_night_of_a_modeled_board_is_ok_from_the_first_night_on():
    verdict = judge(modeled(1), [modeled(0)], accepted([modeled(0)]))
    assert (of(INT8, verdict).status, of(INT8, verdict).advisory, verdict.exit_code) == ("ok", False, 0)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"samples": (*SAMPLES[:-1], SAMPLES[-1] + 1)}, "changed", 3),
        ({"samples": (*SAMPLES[:-1], SAMPLES[-1] - 1)}, "changed", 3),
        ({"times": {INT8: measured([Block(SAMPLES, 50), Block(SAMPLES[::-1], 50)], "a")}}, "noisy", 5),
        ({"canary": canary(4_999.52)}, "canary-moved", 5),
    ],
)
def test_times_and_canary_of_a_modeled_board_are_exact(change, status, code):
    verdict = judge(modeled(3, **change), MODELED, accepted(MODELED))
    assert (of(INT8, verdict).status, of(FLASH, verdict).status) == (status, "ok")
    assert verdict.exit_code == code


def test_a_change_on_a_modeled_board_is_accepted_for_the_next_night():
    slower = modeled(3, [sample + 1 for sample in SAMPLES])
    after = accept(accepted(MODELED), slower, MODELED, reason="a check that was missing", at=AT)
    assert judge(replace(slower, id="x", digest="x"), MODELED, after).status == "ok"


def with_energy(made: Night, nanojoules: float) -> Night:
    return replace(made, times={**made.times, ENERGY: time_of(nanojoules)})


@pytest.mark.parametrize(("change", "status", "words"), [(1.05, "suspect", "higher"), (1.0, "ok", "within")])
def test_energy_is_judged_by_the_rule_of_a_noisy_board(change, status, words):
    noise = np.exp(np.random.default_rng(5).normal(0, NIGHT_SD, 15))
    nights = [
        with_energy(one, ENERGY_NJ * factor) for one, factor in zip(quiet_nights(), noise, strict=False)
    ]
    verdict = verdict_on(with_energy(night(14), ENERGY_NJ * change), nights, accepted(nights), ENERGY)
    assert verdict.status == status
    assert words in verdict.sentence
    assert f"{ENERGY_NJ * change:,.0f} nJ" in verdict.sentence
    assert "µs" not in verdict.sentence

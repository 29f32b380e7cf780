"""Bad input has a status and a sentence; it is never a regression and never part of a reference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_nights import (
    CANARY_US,
    FLASH,
    FLOAT,
    INT8,
    INT8_US,
    night,
    of,
    stamp,
    time_of,
    verdict_on,
    with_verdicts,
)

from harness.regression.canary import CanaryReading
from harness.regression.nights import merge
from harness.regression.series import Block, measured
from harness.regression.verdict import judge

SLOWER = INT8_US * 1.02


def bad_nights():
    base = night(14, SLOWER, confirmations={INT8: time_of(SLOWER)})
    lost = measured([Block((SLOWER,) * 20, 50, 30)] * 3, "a")
    wrapped = measured([Block((*(SLOWER,) * 49, -4e9), 50)] * 3, "a")
    return {
        "no board": (
            replace(base, fault="enumerate: no board on any port"),
            "broken",
            "no board on any port",
        ),
        "ends before it starts": (replace(base, ended=stamp(13)), "broken", "clock jumped"),
        "clock jumped on the way": (replace(base, length_s=30.0), "broken", "jumped by +3,570 s"),
        "clock set back": (replace(base, started=stamp(-400), ended=stamp(-400, 1)), "broken", "lies before"),
        "overlap": (replace(base, started=stamp(13, 0.5), ended=stamp(13, 1.5)), "broken", "overlap"),
        "no time": (replace(base, started="yesterday"), "broken", "no readable time"),
        "two with one id": (replace(base, id="night-3"), "broken", "two records have the id night-3"),
        "board swapped": (replace(base, uid="BEEF"), "env-changed", "board went from F00D to BEEF"),
        "dirty": (replace(base, dirty=True), "suspect", "uncommitted changes"),
        "no canary": (replace(base, canary=None), "broken", "the canary was not measured first"),
        "half a canary": (
            replace(base, canary=CanaryReading(time_of(CANARY_US), None)),
            "broken",
            "the canary was not measured last",
        ),
        "canary broke": (
            replace(base, canary=CanaryReading(time_of(CANARY_US), lost)),
            "broken",
            "the last canary broke: records were lost",
        ),
        "lost records": (
            replace(base, times={**base.times, INT8: lost}),
            "broken",
            "60 of 150 samples arrived, 90 lines",
        ),
        "board's clock jumped": (
            replace(base, times={**base.times, INT8: wrapped}),
            "broken",
            "the board's clock jumped",
        ),
        "nothing at all": (
            replace(base, times={}, exact={}, confirmations={}),
            "broken",
            "nothing was measured",
        ),
    }


@pytest.mark.parametrize("kind", bad_nights())
def test_bad_input_is_not_a_regression(nights, baseline, kind):
    tonight, status, part = bad_nights()[kind]
    verdict = judge(tonight, nights, baseline)
    assert of(INT8, verdict).status == status
    assert part in of(INT8, verdict).sentence
    assert "regressed" not in {item.status for item in verdict.series}
    assert verdict.exit_code in (4, 5)


@pytest.mark.parametrize("kind", bad_nights())
def test_a_bad_night_is_not_part_of_a_reference(nights, baseline, kind):
    bad, _, _ = bad_nights()[kind]
    if kind == "two with one id":
        nights = [*nights[:3], *nights[4:]]  # none of the two is trusted
        bad = (replace(night(3), digest="one"), replace(night(3), digest="another"))
    elif kind == "overlap":  # only that night's verdict tells which one was wrong
        bad = (with_verdicts(bad, judge(bad, nights, baseline)),)
    else:
        bad = (bad,)
    after = night(16)
    assert verdict_on(after, [*nights, *bad], baseline) == verdict_on(after, nights, baseline)


def test_a_missing_board_without_a_baseline(nights):
    verdict = judge(night(0, times={}, exact={}, fault="enumerate: no board"), [], None)
    assert (verdict.status, verdict.exit_code) == ("broken", 4)
    assert "enumerate: no board" in verdict.sentence


def test_a_change_in_a_dirty_tree_is_advisory(nights, baseline):
    verdict = judge(night(14, exact={FLASH: 5}, dirty=True), nights, baseline)
    assert (of(FLASH, verdict).status, of(FLASH, verdict).advisory, verdict.exit_code) == ("changed", True, 5)


def test_dirty_nights_are_not_part_of_a_reference(nights, baseline):
    dirty = [night(index, INT8_US * 1.5, dirty=True) for index in range(14, 30)]
    assert verdict_on(night(30), [*nights, *dirty], baseline).status == "ok"


def test_records_copied_twice_count_once(nights, baseline):
    tonight = night(14, INT8_US * 1.004)
    assert judge(tonight, [*nights, *nights, tonight], baseline) == judge(tonight, nights, baseline)


@settings(max_examples=25)
@given(st.randoms(), st.floats(0.9, 1.1))
def test_the_order_in_which_records_are_found_does_not_matter(nights, baseline, random, by):
    shuffled = list(nights)
    random.shuffle(shuffled)
    tonight = night(14, INT8_US * by)
    assert judge(tonight, shuffled, baseline) == judge(tonight, nights, baseline)


def test_two_contents_of_one_id_conflict(nights):
    merged = merge([*nights, replace(nights[3], digest="other")])
    assert merged.conflicts == {"night-3"}
    assert len(merged.nights) == 13


def test_a_modeled_board_may_run_on_several_hosts_at_once():
    here = replace(night(14), modeled=True)
    there = replace(here, id="of another host", digest="its content")
    assert judge(here, [there], None).status == "new"


def test_a_night_without_images_proposes_no_epoch(nights, baseline):
    faults = {(name.variant, name.engine): "no compiler" for name in (INT8, FLOAT)}
    verdict = judge(night(14, times={}, exact={}, environment={}, faults=faults), nights, baseline)
    assert (verdict.status, verdict.differences, verdict.proposes_epoch) == ("broken", {}, False)


def test_nights_after_tonight_do_not_count(nights, baseline):
    later = [night(index, INT8_US * 2) for index in range(20, 40)]
    assert judge(night(14), [*later, *nights], baseline) == judge(night(14), nights, baseline)


def test_sentences_are_one_each_and_end(nights, baseline):
    for tonight, _, _ in bad_nights().values():
        for item in judge(tonight, nights, baseline).series:
            assert item.sentence.endswith(".")
            assert ". " not in item.sentence

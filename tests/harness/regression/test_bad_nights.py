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
from harness.regression.series import Block, measured
from harness.regression.verdict import judge

SLOWER = INT8_US * 1.02
TONIGHT = night(14, SLOWER, confirmations={INT8: time_of(SLOWER)})
LOST = measured([Block((SLOWER,) * 20, 50, 30)] * 3, "a")
WRAPPED = measured([Block((*(SLOWER,) * 49, -4e9), 50)] * 3, "a")
HALF_CANARY = CanaryReading(time_of(CANARY_US), None)
BROKEN_CANARY = CanaryReading(time_of(CANARY_US), LOST)

BAD = [
    ({"fault": "enumerate: no board on any port"}, "broken", "no board on any port"),
    ({"ended": stamp(13)}, "broken", "clock jumped"),
    ({"length_s": 30.0}, "broken", "jumped by +3,570 s"),
    ({"started": stamp(-400), "ended": stamp(-400, 1)}, "broken", "began before the accepted epoch"),
    ({"started": stamp(13, 0.5), "ended": stamp(13, 1.5)}, "broken", "overlap"),
    ({"started": "yesterday"}, "broken", "no readable time"),
    ({"id": "night-3"}, "broken", "two records have the id night-3"),
    ({"uid": "BEEF"}, "env-changed", "board went from F00D to BEEF"),
    ({"dirty": True}, "suspect", "uncommitted changes"),
    ({"canary": None}, "broken", "the canary was not measured first"),
    ({"canary": HALF_CANARY}, "broken", "the canary was not measured last"),
    ({"canary": BROKEN_CANARY}, "broken", "the last canary broke: records were lost"),
    ({"times": {**TONIGHT.times, INT8: LOST}}, "broken", "60 of 150 samples arrived, 90 lines"),
    ({"times": {**TONIGHT.times, INT8: WRAPPED}}, "broken", "the board's clock jumped"),
    ({"times": {}, "exact": {}, "confirmations": {}}, "broken", "nothing was measured"),
]


@pytest.mark.parametrize(("change", "status", "part"), BAD)
def test_a_bad_night_is_no_regression_and_not_part_of_a_reference(nights, baseline, change, status, part):
    bad = replace(TONIGHT, **change)
    verdict = judge(bad, nights, baseline)
    assert of(INT8, verdict).status == status
    assert part in of(INT8, verdict).sentence
    assert "regressed" not in {item.status for item in verdict.series}
    assert verdict.exit_code in (4, 5)
    earlier = [bad]
    if part.startswith("two records"):
        nights = [*nights[:3], *nights[4:]]  # neither record is trusted
        earlier = [replace(night(3), digest="one"), replace(night(3), digest="another")]
    elif part == "overlap":  # only that night's verdict tells which one was wrong
        earlier = [with_verdicts(bad, verdict)]
    after = night(16)
    assert verdict_on(after, [*nights, *earlier], baseline) == verdict_on(after, nights, baseline)


def test_a_change_in_a_dirty_tree_is_advisory(nights, baseline):
    verdict = judge(night(14, exact={FLASH: 5}, dirty=True), nights, baseline)
    assert (of(FLASH, verdict).status, of(FLASH, verdict).advisory, verdict.exit_code) == ("changed", True, 5)


@settings(max_examples=25)
@given(st.randoms(), st.floats(0.9, 1.1))
def test_copies_and_the_order_in_which_records_are_found_do_not_matter(nights, baseline, random, by):
    tonight = night(14, INT8_US * by)
    shuffled = [*nights, *nights, tonight]
    random.shuffle(shuffled)
    assert judge(tonight, shuffled, baseline) == judge(tonight, nights, baseline)


def test_a_modeled_board_may_run_on_several_hosts_at_once():
    here = replace(night(14), modeled=True)
    there = replace(here, id="of another host", digest="its content")
    assert judge(here, [there], None).status == "new"


def test_a_night_without_images_proposes_no_epoch(nights, baseline):
    faults = {(name.variant, name.engine): "no compiler" for name in (INT8, FLOAT)}
    verdict = judge(night(14, times={}, exact={}, environment={}, faults=faults), nights, baseline)
    assert (verdict.status, verdict.differences, verdict.proposes_epoch) == ("broken", {}, False)

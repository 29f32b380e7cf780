from __future__ import annotations

from dataclasses import replace

import pytest
from made_nights import (
    AT,
    CANARY_US,
    FLASH,
    FLOAT,
    HASH,
    INT8,
    INT8_US,
    canary,
    night,
    stamp,
    time_of,
    verdict_on,
    with_verdicts,
)

from harness.errors import UsageError
from harness.records.verdict import SeriesName
from harness.regression.acceptance import accept
from harness.regression.verdict import judge


def accepted_with(baseline, tonight, nights, **options):
    return accept(baseline, tonight, nights, **{"reason": "meant", "at": AT, **options})


def test_the_first_epoch_takes_all_nights_like_the_last_and_no_hash(nights, baseline):
    assert accepted_with(None, night(0, exact={FLASH: 1, HASH: "ab"}), []).epoch.exact == {str(FLASH): 1}
    row = [replace(made, dirty=index in (3, 7)) for index, made in enumerate(nights)]
    assert accepted_with(None, row[-1], row).epoch.times[str(INT8)].nights == 12
    epoch = baseline.epoch
    assert (epoch.number, epoch.since, epoch.uid) == (1, stamp(0), "F00D")
    assert (epoch.times[str(INT8)].nights, epoch.times[str(INT8)].since) == (14, stamp(0))
    assert epoch.times[str(INT8)].night_sd == pytest.approx(0.002, rel=0.5)
    assert epoch.exact == {str(FLASH): 61_312}
    assert epoch.canary.reference_us == CANARY_US
    assert epoch.accepted[0].reason == "the first"


def test_nights_on_the_new_level_are_part_of_the_reference(nights, baseline):
    row = list(nights)
    for index in range(14, 20):
        made = night(index, INT8_US * 0.97 * (1 + index % 3 / 1000))
        row.append(with_verdicts(made, judge(made, row, baseline)))
    after = accepted_with(baseline, row[-1], row[:-1])
    assert (after.epoch.times[str(INT8)].since, after.epoch.times[str(INT8)].nights) == (stamp(14), 6)
    assert after.epoch.times[str(FLOAT)] == baseline.epoch.times[str(FLOAT)]
    assert (after.epoch.number, after.epoch.accepted[-1].series) == (1, (str(INT8),))
    assert verdict_on(night(20, INT8_US * 0.97), row, after).status == "ok"
    assert verdict_on(night(20), row, after).status == "suspect", "back is slower now"


def test_a_new_series_is_added_and_a_missing_one_removed(nights, baseline):
    other = SeriesName("ds-cnn", "codegen", "inference_us", "pcm")
    tonight = night(14)
    tonight = replace(tonight, times={**tonight.times, other: time_of(9_000)})
    assert accepted_with(baseline, tonight, nights).epoch.times.keys() == {str(INT8), str(FLOAT), str(other)}
    tonight = night(14, times={FLOAT: time_of(128_430)})
    assert accepted_with(baseline, tonight, nights).epoch.times.keys() == {str(FLOAT)}


@pytest.mark.parametrize(
    "change",
    [
        {"environment": {"core": "9", "compiler": "7-2017q4"}},
        {"uid": "BEEF"},
        {"procedure": 2},
        {"canary": canary(CANARY_US * 1.05)},
    ],
)
def test_a_changed_environment_or_canary_begins_an_epoch(nights, baseline, change):
    since = [night(index, INT8_US * 1.1, **change) for index in (14, 15, 16)]
    after = accepted_with(baseline, since[-1], [*nights, *since[:-1]])
    assert [epoch.number for epoch in after.epochs] == [1, 2]
    assert after.epochs[0] == baseline.epoch, "history stays"
    assert (after.epoch.since, after.epoch.times[str(INT8)].nights) == (stamp(14), 3)
    assert judge(since[-1], [*nights, *since], after).differences == {}


def test_an_epoch_of_one_night_is_judged_by_its_first_nights(nights):
    baseline = accepted_with(None, nights[0], [])
    assert verdict_on(nights[4], nights[:4], baseline).status == "new"
    assert verdict_on(night(14, INT8_US * 1.02), nights, baseline).status == "suspect"


@pytest.mark.parametrize(
    ("change", "options", "part"),
    [
        ({"dirty": True}, {}, "uncommitted changes"),
        ({"fault": "enumerate: no board"}, {}, "no board"),
        ({"id": "night-3"}, {}, "two records have the id"),
        ({}, {"reason": " "}, "needs a reason"),
        ({}, {}, "nothing to accept"),
        ({"canary": canary(CANARY_US, CANARY_US * 1.1)}, {}, "moved during the night"),
        ({"faults": {("tinyconv-int8", "codegen"): "x"}}, {"series": [INT8]}, "no value of tinyconv-int8"),
    ],
)
def test_unacceptable_nights_are_refused(nights, baseline, change, options, part):
    with pytest.raises(UsageError, match=part) as caught:
        accepted_with(baseline, night(14, **change), nights, **options)
    assert caught.value.remedy

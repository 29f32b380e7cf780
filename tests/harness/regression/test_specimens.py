"""Two boards of one kind, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_nights import FLOAT, INT8, INT8_US, night, time_of
from scipy import stats

from harness.regression.specimens import compare_specimens, told_apart

BOARDS = {"uid": "F00D", "bench": "berlin"}, {"uid": "BEEF", "bench": "munich"}


def nights_of(specimen: int, values_us, images="a", **changes):
    return [
        replace(
            night(index, id=f"{specimen} {index}", kind="nano33ble", **BOARDS[specimen]),
            times={INT8: time_of(float(value_us), images[index % len(images)] * 64)},
            **changes,
        )
        for index, value_us in enumerate(values_us)
    ]


def test_the_difference_has_the_interval_of_paired_nights():
    noise = np.exp(np.random.default_rng(1).normal(0, 0.002, (2, 12)))
    first, second = INT8_US * noise[0], 1.015 * INT8_US * noise[1]
    (found,) = compare_specimens([*nights_of(0, first), *nights_of(1, second)])
    interval = stats.ttest_1samp(second / first - 1, 0).confidence_interval()
    assert (found.change.low, found.change.high) == pytest.approx((interval.low, interval.high))
    assert interval.low < 0.015 < interval.high
    assert (found.name, found.first.bench, found.second.bench) == (INT8, "berlin", "munich")
    assert (found.first_us, found.second_us) == (np.median(first), np.median(second))


def test_nights_of_another_image_are_not_compared():
    first, second = nights_of(0, [100.0, 200.0], "ab"), nights_of(1, [220.0], "b")
    (found,) = compare_specimens([*first, *second])
    assert (found.change.n, found.change.low) == (1, None)
    assert found.change.mean == pytest.approx(0.1)
    assert compare_specimens([*first, *nights_of(1, [220.0], "c")]) == []


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"modeled": True}, 0),
        ({"fault": "upload: no port"}, 0),
        ({"kind": "portenta"}, 0),
        ({"uid": "F00D"}, 0),
        ({"environment": {"core": "4.2.1", "compiler": "8"}}, 0),
        ({"environment": {"core": "4.2.1", "compiler": "7-2017q4", "revision": "Rev2"}}, 1),
        ({"procedure": 2}, 0),
        ({"times": {FLOAT: time_of(1.0)}}, 0),
    ],
)
def test_only_what_differs_by_the_board_alone_is_compared(changes, count):
    second = [replace(one, **changes) for one in nights_of(1, [101.0])]
    assert len(compare_specimens([*nights_of(0, [100.0]), *second])) == count


def test_boards_of_one_name_on_several_benches_are_told_apart():
    both = [*nights_of(0, [100.0]), *nights_of(1, [101.0])]
    assert [one.board for one in told_apart(both)] == ["nano33ble of berlin", "nano33ble of munich"]


@pytest.mark.parametrize("changes", [{"bench": "berlin"}, {"uid": "F00D"}, {"modeled": True}, {"board": "x"}])
def test_other_boards_keep_their_names(changes):
    nights = [*nights_of(0, [100.0]), *(replace(one, **changes) for one in nights_of(1, [101.0]))]
    if "modeled" in changes:
        nights = [replace(one, **changes) for one in nights]
    assert told_apart(nights) == nights

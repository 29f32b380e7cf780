from __future__ import annotations

from dataclasses import replace

import pytest
from made_nights import FLOAT, FLOAT_US, INT8, INT8_US, night, quiet_nights, time_of

from harness.regression.a_a import a_a


def test_the_noise_of_each_series():
    found = a_a(quiet_nights(40))
    assert [item.name for item in found.series] == [FLOAT, INT8]
    assert all(item.night_sd == pytest.approx(0.002, rel=0.4) for item in found.series)
    assert all(item.nights == 40 and item.gates for item in found.series)
    assert (found.judged, found.alarmed) == (35, 0)
    slow = [*quiet_nights(20)[:12], night(12, INT8_US * 1.05)]
    assert [item.false_alarms for item in a_a(slow).series] == [0, 1]


OTHER_IMAGE = {INT8: time_of(INT8_US * 9, image="b"), FLOAT: time_of(FLOAT_US)}


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"times": OTHER_IMAGE}, [12, 11]),
        ({"dirty": True}, [11, 11]),
        ({"fault": "no board"}, [11, 11]),
        ({"uid": "BEEF"}, [11, 11]),
    ],
)
def test_only_clean_nights_of_one_image_count(change, counts):
    nights = quiet_nights(12)
    nights[5] = replace(nights[5], **change)
    assert [item.nights for item in a_a(nights).series] == counts


def test_few_nights_do_not_gate():
    assert not any(item.gates for item in a_a(quiet_nights(9)).series)
    assert {item.night_sd for item in a_a(quiet_nights(1)).series} == {None}
    assert a_a([]).series == ()

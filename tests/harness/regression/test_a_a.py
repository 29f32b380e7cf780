"""Nights of one image: each series' noise, and what the rule says on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_nights import FLOAT, FLOAT_US, INT8, INT8_US, canary, night, quiet_nights, time_of

from harness.regression.a_a import a_a


def test_the_noise_of_each_series():
    found = a_a(quiet_nights(40))
    assert [item.name for item in found.series] == [FLOAT, INT8]
    assert all(item.night_sd == pytest.approx(0.002, rel=0.4) for item in found.series)
    assert all(item.nights == 40 and item.gates for item in found.series)
    assert (found.judged, found.alarmed) == (35, 0)


def test_a_slow_night_of_the_same_image_is_a_false_alarm():
    nights = quiet_nights(20)
    nights[12] = night(12, INT8_US * 1.05)
    found = a_a(nights)
    assert [item.false_alarms for item in found.series] == [0, 1]
    assert found.alarmed == 1


def test_nights_of_another_image_do_not_count():
    nights = quiet_nights(12)
    nights[5] = night(5, times={INT8: time_of(INT8_US * 9, image="b"), FLOAT: time_of(FLOAT_US)})
    found = a_a(nights)
    assert [item.nights for item in found.series] == [12, 11]
    assert found.series[1].night_sd < 0.01


@pytest.mark.parametrize(
    "change", [{"dirty": True}, {"fault": "no board"}, {"canary": canary(60_000)}, {"uid": "BEEF"}]
)
def test_nights_that_are_no_measure_do_not_count(change):
    nights = quiet_nights(12)
    nights[5] = replace(nights[5], **change)
    assert {item.nights for item in a_a(nights).series} == {11}


def test_nine_nights_do_not_gate():
    assert not any(item.gates for item in a_a(quiet_nights(9)).series)


def test_one_night_has_no_noise():
    assert {item.night_sd for item in a_a(quiet_nights(1)).series} == {None}


def test_no_nights():
    assert a_a([]).series == ()

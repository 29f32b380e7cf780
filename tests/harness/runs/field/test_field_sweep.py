from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.runs.field.sweep import sweep


def test_every_distance_is_combined_with_every_ratio():
    conditions = sweep((20, 0), (1, 2.5), rt60_s=0.4, noise="babble", level_dbfs=-30)
    assert [each.name for each in conditions] == ["1 m, 20 dB", "1 m, 0 dB", "2.5 m, 20 dB", "2.5 m, 0 dB"]
    assert {(each.rt60_s, each.noise, each.level_dbfs) for each in conditions} == {(0.4, "babble", -30)}
    assert [(each.distance_m, each.snr_db) for each in conditions] == [(1, 20), (1, 0), (2.5, 20), (2.5, 0)]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "as recorded"),
        ({"level_dbfs": -30.0}, "-30 dBFS"),
        ({"gain_db": 6.0}, "as recorded, gain +6 dB"),
        ({"snrs_db": (10,)}, "10 dB"),
        ({"distances_m": (3,)}, "3 m"),
    ],
)
def test_name_of_a_condition(values, name):
    (condition,) = sweep(**values)
    assert condition.name == name


def test_repeated_value_is_one_condition():
    assert len(sweep((10, 10.0))) == 1


def test_incomplete_options_are_refused():
    with pytest.raises(UsageError, match="Add --distance"):
        sweep(rt60_s=0.4)
    with pytest.raises(UsageError, match="Add --snr"):
        sweep(noise="pink")

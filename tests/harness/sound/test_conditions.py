from __future__ import annotations

import hashlib

import numpy as np
import pytest
import soundfile

from harness.errors import UsageError
from harness.sound.conditions import Condition, check_conditions, sweep, with_noise_files


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [
        ([], "no condition"),
        ([Condition("a"), Condition("a", snr_db=3.0)], "must be unique"),
        ([Condition("")], "must be unique"),
        ([Condition("a", level_dbfs=3.0)], "level_dbfs cannot be 3"),
        ([Condition("a", snr_db=float("nan"))], "snr_db cannot be nan"),
        ([Condition("a", background_dbfs=10.0)], "background_dbfs cannot be 10"),
        ([Condition("a", gain_db=100.0)], "gain_db cannot be 100"),
        ([Condition("a", distance_m=float("inf"))], "larger than 0"),
        ([Condition("a", distance_m=1.0, room_m=(0.0, 4.0, 3.0))], "larger than 0"),
    ],
)
def test_impossible_conditions_are_refused_with_a_remedy(conditions, problem):
    with pytest.raises(UsageError, match=problem) as refusal:
        check_conditions(conditions)
    assert refusal.value.remedy


def noise_file(path, seconds: float):
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * 16000))
    soundfile.write(path, samples, 16000, subtype="PCM_16")
    return path


def test_a_noise_file_is_relative_to_the_plans_folder_and_has_its_hash(tmp_path):
    path = noise_file(tmp_path / "fan.wav", 2.0)
    (tmp_path / "words").mkdir()
    (condition,) = with_noise_files([Condition("a", noise=str(path))], tmp_path / "words")
    assert condition.noise == "../fan.wav"
    assert condition.noise_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unknown_kind_of_noise_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match='"brown" is neither a kind of noise nor a file') as refusal:
        with_noise_files([Condition("a", noise="brown")], tmp_path)
    assert "white, pink, hum, babble" in refusal.value.remedy


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

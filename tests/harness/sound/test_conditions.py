from __future__ import annotations

import hashlib

import numpy as np
import pytest
import soundfile

from harness.errors import UsageError
from harness.sound.conditions import Condition, check_conditions, with_noise_files


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"level_dbfs": 3.0}, "level_dbfs cannot be 3"),
        ({"snr_db": float("nan")}, "snr_db cannot be nan"),
        ({"background_dbfs": 10.0}, "background_dbfs cannot be 10"),
        ({"gain_db": 100.0}, "gain_db cannot be 100"),
        ({"distance_m": float("inf")}, "larger than 0"),
        ({"distance_m": 1.0, "room_m": (0.0, 4.0, 3.0)}, "larger than 0"),
        ({"name": ""}, "must be unique"),
    ],
)
def test_an_impossible_condition_is_refused_with_a_remedy(changes, problem):
    with pytest.raises(UsageError, match=problem) as refusal:
        check_conditions([Condition(**{"name": "a", **changes})])
    assert refusal.value.remedy


@pytest.mark.parametrize("conditions", [[], [Condition("a"), Condition("a", snr_db=3.0)]])
def test_conditions_need_unique_names(conditions):
    with pytest.raises(UsageError, match=r"no condition|unique"):
        check_conditions(conditions)


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


def test_a_noise_file_of_less_than_a_second_is_refused(tmp_path):
    path = noise_file(tmp_path / "fan.wav", 0.5)
    with pytest.raises(UsageError, match=r"0\.50 s of noise are too short"):
        with_noise_files([Condition("a", noise=str(path))], tmp_path)

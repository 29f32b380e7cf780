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
        ({"snr_db": 200.0}, "snr_db cannot be 200"),
        ({"snr_db": float("nan")}, "snr_db cannot be nan"),
        ({"background_dbfs": 10.0}, "background_dbfs cannot be 10"),
        ({"gain_db": 100.0}, "gain_db cannot be 100"),
        ({"distance_m": -1.0}, "larger than 0"),
        ({"distance_m": float("inf")}, "larger than 0"),
        ({"distance_m": 1.0, "room_m": (0.0, 4.0, 3.0)}, "larger than 0"),
        ({"rt60_s": 0.5}, "needs a distance"),
        ({"name": ""}, "must be unique"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(changes, problem):
    with pytest.raises(UsageError, match=problem) as refusal:
        check_conditions([Condition(**{"name": "a", **changes})])
    assert refusal.value.remedy


def test_two_of_one_name_are_refused():
    with pytest.raises(UsageError, match='"a" is not'):
        check_conditions([Condition("a"), Condition("a", snr_db=3.0)])


def test_none_at_all_is_refused():
    with pytest.raises(UsageError, match="has no condition"):
        check_conditions([])


def noise_file(path, seconds: float = 2.0):
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * 16000))
    soundfile.write(path, samples, 16000, subtype="PCM_16")
    return path


def test_a_file_of_noise_is_named_from_the_plans_folder_with_its_hash(tmp_path):
    path = noise_file(tmp_path / "fan.wav")
    (tmp_path / "words").mkdir()
    (condition,) = with_noise_files([Condition("a", noise=str(path))], tmp_path / "words")
    assert condition.noise == "../fan.wav"
    assert condition.noise_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_kinds_that_are_made_stay_as_they_are(tmp_path):
    conditions = (Condition("a", noise="pink"), Condition("b", noise="babble"))
    assert with_noise_files(conditions, tmp_path) == conditions


def test_a_kind_that_there_is_not_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(UsageError, match='"brown" is neither a kind of noise nor a file') as refusal:
        with_noise_files([Condition("a", noise="brown")], tmp_path)
    assert "white, pink, hum, babble" in refusal.value.remedy


def test_a_file_of_less_than_a_second_is_refused(tmp_path):
    path = noise_file(tmp_path / "fan.wav", 0.5)
    with pytest.raises(UsageError, match=r"0\.50 s of noise are too short"):
        with_noise_files([Condition("a", noise=str(path))], tmp_path)

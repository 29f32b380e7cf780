"""Simulated rooms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.sound.conditions import Condition, check_conditions
from harness.sound.room import Room

RATE_HZ = 16_000
CLICK = np.zeros(800, np.float32)
CLICK[400] = 1000.0


def response(distance_m: float = 2.0, rt60_s: float = 0.3, size_m=(5.0, 4.0, 2.7)) -> np.ndarray:
    room = Room(size_m, distance_m, rt60_s)
    room.check("")
    return room.reverberate(CLICK).astype(np.float64) / 1000


def decay_s(sound: np.ndarray) -> float:
    """Reverberation time from the slope between −5 and −25 dB of the remaining energy."""
    left_db = 10 * np.log10(np.cumsum(sound[::-1] ** 2)[::-1] / np.sum(sound**2))
    first, last = np.argmax(left_db < -5), np.argmax(left_db < -25)
    return 3 * (last - first) / RATE_HZ


@pytest.mark.parametrize("distance_m", [0.5, 1.0, 2.0, 3.3])
def test_the_direct_sound_keeps_its_place(distance_m):
    sound = response(distance_m)
    assert np.abs(sound[:395]).max() < 0.05 * np.abs(sound[400])
    assert np.abs(sound[400]) > 0.5 * np.abs(sound).max()


def test_twice_the_distance_halves_the_direct_sound_but_not_the_reverberation():
    near, far = response(1.0), response(2.0)
    assert np.sum(near**2) == pytest.approx(1.0, rel=0.01), "a talker at 1 m is as loud as recorded"
    assert far[400] / near[400] == pytest.approx(0.5, rel=0.03)
    left_db = 10 * np.log10(np.sum(far[1200:] ** 2) / np.sum(near[1200:] ** 2))
    assert left_db == pytest.approx(0.0, abs=3.0)


@pytest.mark.parametrize("rt60_s", [0.2, 0.35])
def test_the_reverberation_time_is_the_requested_one(rt60_s):
    assert decay_s(response(2.0, rt60_s)) == pytest.approx(rt60_s, rel=0.25)


@given(
    size_m=st.tuples(st.floats(2.0, 6.0), st.floats(2.0, 6.0), st.floats(2.0, 3.0)), share=st.floats(0.0, 1.0)
)
@settings(max_examples=8)
def test_the_direct_sound_comes_first_in_any_room(size_m, share):
    farthest_m = max(size_m[:2]) - 0.67
    sound = response(0.1 + share * (farthest_m - 0.1), 0.2, size_m)
    assert np.isfinite(sound).all()
    assert np.argmax(np.abs(sound) > 0.5 * np.abs(sound[400])) == 400


@pytest.mark.parametrize(
    ("values", "problem", "remedy"),
    [
        ({"distance_m": 6.0}, "6 m does not fit into a room of 5 × 4 × 2.7 m", "at most 4.34 m"),
        ({"distance_m": 0.05}, "too near", "at least 0.1 m"),
        ({"distance_m": 0.05, "rt60_s": None}, "too near", "at least 0.1 m"),
        ({"rt60_s": 0.05}, "cannot have a reverberation time of 0.05 s", "0.1 to 0.82 s, or a smaller"),
        ({"rt60_s": 3.0}, "cannot have a reverberation time of 3 s", "0.1 to 0.82 s, or a larger"),
        ({"room_m": (1.0, 4.0, 2.7)}, "room of 1 × 4 × 2.7 m", "between 2 and 50 m"),
        ({"room_m": (100.0, 4.0, 2.7)}, "room of 100 × 4 × 2.7 m", "between 2 and 50 m"),
        ({"distance_m": None}, "needs a distance", "distance as well"),
    ],
)
def test_an_impossible_room_is_refused_with_the_possible_range(values, problem, remedy):
    with pytest.raises(UsageError, match=problem) as refusal:
        check_conditions([Condition("a", **{"distance_m": 0.5, "rt60_s": 0.3, **values})])
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize("rt60_s", [0.1, 0.82])
def test_the_offered_limits_are_accepted(rt60_s):
    Room((5.0, 4.0, 2.7), 4.34, rt60_s).check("")

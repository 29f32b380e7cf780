from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.sound.playback_plan import Condition
from harness.sound.room import check_room, in_room

RATE_HZ = 16_000
CLICK = np.zeros(800, np.float32)
CLICK[400] = 1000.0


def room(distance_m: float = 2.0, rt60_s: float | None = 0.3, **changes) -> Condition:
    return Condition("room", distance_m=distance_m, rt60_s=rt60_s, **changes)


def response(condition: Condition) -> np.ndarray:
    check_room(condition)
    return in_room(CLICK, condition).astype(np.float64) / 1000


def decay_s(heard: np.ndarray) -> float:
    """Reverberation time from the slope between −5 and −25 dB of the energy that is still to come."""
    left_db = 10 * np.log10(np.cumsum(heard[::-1] ** 2)[::-1] / np.sum(heard**2))
    first, last = np.argmax(left_db < -5), np.argmax(left_db < -25)
    return 3 * (last - first) / RATE_HZ


def test_the_direct_sound_stands_where_it_stood():
    for distance_m in (0.5, 1.0, 2.0, 3.3):
        heard = response(room(distance_m))
        assert np.abs(heard[:395]).max() < 0.05 * np.abs(heard[400])
        assert np.abs(heard[400]) > 0.5 * np.abs(heard).max()


def test_twice_the_distance_halves_the_direct_sound():
    near, far = response(room(1.0))[400], response(room(2.0))[400]
    assert far / near == pytest.approx(0.5, rel=0.03)


def test_reverberation_is_about_as_loud_everywhere():
    near, far = (np.sum(response(room(distance_m))[1200:] ** 2) for distance_m in (1.0, 3.0))
    assert 10 * np.log10(far / near) == pytest.approx(0.0, abs=3.0)


def test_at_1_m_it_is_as_loud_as_recorded():
    assert np.sum(response(room(1.0)) ** 2) == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("rt60_s", [0.2, 0.3, 0.5])
def test_the_reverberation_lasts_as_long_as_asked_for(rt60_s):
    assert decay_s(response(room(2.0, rt60_s))) == pytest.approx(rt60_s, rel=0.25)


def test_the_same_room_sounds_the_same():
    np.testing.assert_array_equal(response(room()), response(room()))


def test_without_a_room_nothing_changes():
    np.testing.assert_array_equal(in_room(CLICK, Condition("plain")), CLICK)


def test_outdoors_there_is_the_direct_sound_alone():
    np.testing.assert_allclose(in_room(CLICK, room(4.0, None)), CLICK / 4)


@given(
    room_m=st.tuples(st.floats(2.0, 6.0), st.floats(2.0, 6.0), st.floats(2.0, 3.0)),
    share=st.floats(0.0, 1.0),
)
@settings(max_examples=8)
def test_in_any_room_the_direct_sound_comes_first(room_m, share):
    farthest_m = max(room_m[:2]) - 0.67
    heard = response(room(0.1 + share * (farthest_m - 0.1), 0.2, room_m=room_m))
    assert np.isfinite(heard).all()
    assert np.argmax(np.abs(heard) > 0.5 * np.abs(heard[400])) == 400


@pytest.mark.parametrize(
    ("condition", "problem", "remedy"),
    [
        (room(6.0), "6 m does not fit into a room of 5 × 4 × 2.7 m", "at most 4.34 m"),
        (room(0.05), "too near", "at least 0.1 m"),
        (room(0.05, None), "too near", "at least 0.1 m"),
        (room(2.0, 0.05), "cannot have a reverberation time of 0.05 s", "0.1 to 0.82 s, or a smaller"),
        (room(2.0, 3.0), "cannot have a reverberation time of 3 s", "0.1 to 0.82 s, or a larger"),
        (room(0.5, room_m=(1.0, 4.0, 2.7)), "room of 1 × 4 × 2.7 m is none", "between 2 and 50 m"),
        (room(0.5, room_m=(100.0, 4.0, 2.7)), "room of 100 × 4 × 2.7 m is none", "between 2 and 50 m"),
        (Condition("x", rt60_s=0.3), "without a distance", "distance as well"),
    ],
)
def test_a_room_that_cannot_be_is_refused_with_one_that_can(condition, problem, remedy):
    with pytest.raises(UsageError, match=problem) as refusal:
        check_room(condition)
    assert remedy in refusal.value.remedy


def test_the_farthest_and_the_longest_that_are_offered_are_accepted():
    check_room(room(4.34, 0.82))
    check_room(room(4.34, 0.1))

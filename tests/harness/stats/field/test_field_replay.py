from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.field.recognizer import average
from harness.stats.field.replay import replay

SCORES = np.arange(400, dtype=np.uint8).reshape(100, 4)


def test_at_20_ms_every_slice_is_an_inference_when_its_audio_is_there():
    found = replay(SCORES)
    assert found.times_ms.tolist() == [*range(30, 2030, 20)]
    assert np.array_equal(found.scores, average(range(30, 2030, 20), SCORES).scores)


def test_at_another_period_each_inference_has_the_newest_slice():
    found = replay(SCORES, 50)
    times = [30, 80, 130, 180]
    assert found.times_ms[:4].tolist() == times
    expected = average([*range(30, 2030, 50)], SCORES[[(time - 30) // 20 for time in range(30, 2030, 50)]])
    assert np.array_equal(found.scores, expected.scores)


@pytest.mark.parametrize("period_ms", [1, 7, 19.5])
def test_without_a_new_slice_there_is_no_inference(period_ms):
    found = replay(SCORES, period_ms)
    assert len(found.times_ms) == len(SCORES)
    assert all(0 <= late < period_ms for late in found.times_ms - np.arange(30, 2030, 20))


@given(st.floats(20, 3000), st.integers(0, 60))
def test_any_period_has_each_slice_once_at_most(period_ms, slices):
    times = replay(SCORES[:slices], period_ms).times_ms
    assert len(times) <= slices
    assert (np.diff(times) > 0).all()


@pytest.mark.parametrize("period_ms", [0, -20, float("nan")])
def test_no_period(period_ms):
    with pytest.raises(ValueError, match="no period"):
        replay(SCORES, period_ms)

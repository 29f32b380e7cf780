from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.sound.levels import at_level, clipped_samples, rms_dbfs, speech_dbfs
from harness.sound.stimulus import SpokenWord, Stimulus


def two_words(loud: int = 8000, soft: int = 800) -> Stimulus:
    """Make a loud and a soft rectangular word, half a second each, in silence."""
    samples = np.zeros(64_000, np.int16)
    samples[16_000:24_000], samples[40_000:48_000] = loud, -soft
    words = [
        SpokenWord("yes", "yes", "a.wav", 16_000, 24_000),
        SpokenWord("no", "no", "b.wav", 40_000, 48_000),
    ]
    return Stimulus(samples, tuple(words))


@pytest.mark.parametrize(
    ("value", "level_dbfs"), [(32_767, 0.0), (16_384, -6.02), (3277, -20.0), (1, -90.3), (0, -101.1)]
)
def test_a_level_is_relative_to_full_scale(value, level_dbfs):
    assert rms_dbfs(np.full(100, value, np.int16)) == pytest.approx(level_dbfs, abs=0.01)


def test_samples_at_both_limits_count_as_clipped():
    assert clipped_samples(np.array([32_767, 32_766, -32_767, -32_768, 0], np.int16)) == 3


def test_the_level_of_speech_is_that_of_the_words():
    expected = 10 * np.log10((8000**2 + 800**2) / 2 / 32_768**2)
    assert speech_dbfs(two_words()) == pytest.approx(expected, abs=0.01)


@given(level_dbfs=st.floats(-60, -15.5))
def test_one_gain_brings_all_words_to_the_level(level_dbfs):
    before = two_words()
    after, gain_db = at_level(before, level_dbfs)
    assert speech_dbfs(after) == pytest.approx(level_dbfs, abs=0.1)
    gain = 10 ** (gain_db / 20)
    np.testing.assert_allclose(after.samples, before.samples * gain, atol=0.5001)
    assert after.words == before.words


def test_clipping_is_refused_with_the_highest_possible_level():
    with pytest.raises(UsageError, match="would clip") as refusal:
        at_level(two_words(), 0.0)
    highest_dbfs = float(refusal.value.remedy.split("Set it to ")[1].split(" ")[0])
    assert clipped_samples(at_level(two_words(), highest_dbfs)[0].samples) == 0
    with pytest.raises(UsageError):
        at_level(two_words(), highest_dbfs + 0.2)

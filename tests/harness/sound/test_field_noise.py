from __future__ import annotations

import numpy as np
import pytest
from field_words import word
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sound import noise

RATE_HZ = 16_000
KINDS = {
    "white": noise.white,
    "pink": noise.pink,
    "hum": noise.mains_hum,
    "babble": lambda length, generator: noise.babble(length, generator, [word(), word(level=300)]),
}


def make(kind: str, seconds: float, seed: int = 1) -> np.ndarray:
    return KINDS[kind](round(seconds * RATE_HZ), np.random.default_rng(seed))


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def octave_db(sound: np.ndarray, low_hz: float) -> float:
    """Power from a frequency to its double."""
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    return 10 * np.log10(spectrum[(hertz >= low_hz) & (hertz < 2 * low_hz)].sum())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_noise(kind):
    np.testing.assert_array_equal(make(kind, 2), make(kind, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_gives_other_noise(kind):
    assert not np.array_equal(make(kind, 2, seed=1), make(kind, 2, seed=2))


@pytest.mark.parametrize("kind", KINDS)
@given(length=st.integers(1, 40_000))
@settings(max_examples=10)
def test_it_has_the_length_that_was_asked_for(kind, length):
    sound = KINDS[kind](length, np.random.default_rng(0))
    assert sound.shape == (length,)
    assert sound.dtype == np.float32


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_its_level_is_about_1_throughout(kind):
    sound = make(kind, 140)  # longer than two blocks
    for start in range(0, 140, 10):
        assert rms(sound[start * RATE_HZ : (start + 10) * RATE_HZ]) == pytest.approx(1.0, rel=0.4)


def test_the_power_stays_where_two_blocks_meet():
    seam = 2**20 - RATE_HZ // 10
    power = np.square(np.diff(make("pink", 70)), dtype=np.float64)
    assert power[seam : 2**20].mean() == pytest.approx(power[: 10 * RATE_HZ].mean(), rel=0.15)


def test_a_block_is_not_repeated():
    sound = make("pink", 140)
    one, other = sound[:RATE_HZ], sound[2**20 : 2**20 + RATE_HZ]
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2


def test_white_noise_gains_3_db_an_octave():
    sound = make("white", 60)
    assert octave_db(sound, 2000) - octave_db(sound, 500) == pytest.approx(6.0, abs=0.3)


def test_pink_noise_is_as_loud_in_every_octave():
    sound = make("pink", 60)
    assert octave_db(sound, 2000) - octave_db(sound, 500) == pytest.approx(0.0, abs=0.3)


def test_hum_lies_below_1_khz():
    sound = make("hum", 10)
    assert octave_db(sound, 100) - octave_db(sound, 2000) > 15


def test_babble_is_backwards():
    rising = (word(onset_s=0.0, end_s=1.0) * np.linspace(0, 1, 16000) ** 4).astype(np.int16)
    sound = noise.babble(60 * RATE_HZ, np.random.default_rng(0), [rising])
    power = np.square(sound, dtype=np.float64)
    later = np.square(sound[800:], dtype=np.float64)
    forwards = noise.babble(60 * RATE_HZ, np.random.default_rng(0), [rising[::-1]])
    assert power.mean() == pytest.approx(np.square(forwards, dtype=np.float64).mean(), rel=0.05)
    jumps_up, jumps_down = np.maximum(later - power[:-800], 0), np.maximum(power[:-800] - later, 0)
    assert np.mean(jumps_up**3) > np.mean(jumps_down**3)


def test_babble_makes_soft_and_loud_voices_alike():
    loud, soft = word(level=8000), word(level=80)
    mixed = noise.babble(30 * RATE_HZ, np.random.default_rng(0), [loud, soft])
    alike = noise.babble(30 * RATE_HZ, np.random.default_rng(0), [loud, loud])
    assert rms(mixed) == pytest.approx(rms(alike), rel=0.05)


def test_babble_has_about_the_level_1_if_its_words_have_no_pauses():
    spoken = np.random.default_rng(0).normal(0, 1000, 8000).astype(np.int16)
    assert rms(noise.babble(60 * RATE_HZ, np.random.default_rng(0), [spoken])) == pytest.approx(1.0, rel=0.3)

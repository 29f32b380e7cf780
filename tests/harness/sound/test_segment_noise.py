from __future__ import annotations

import numpy as np
import pytest
from plan_words import word

from harness.sound import segment_noise as noise

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
    """Return the power from a frequency to its double."""
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    return 10 * np.log10(spectrum[(hertz >= low_hz) & (hertz < 2 * low_hz)].sum())


@pytest.mark.parametrize("kind", KINDS)
def test_noise_follows_from_its_seed(kind):
    np.testing.assert_array_equal(make(kind, 2), make(kind, 2))
    assert not np.array_equal(make(kind, 2), make(kind, 2, seed=2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 2, 1599, 40_000])
def test_noise_has_the_requested_length(kind, length):
    sound = KINDS[kind](length, np.random.default_rng(0))
    assert sound.shape == (length,)
    assert sound.dtype == np.float32


@pytest.fixture(scope="module")
def pink() -> np.ndarray:
    """Longer than two blocks."""
    return make("pink", 140)


def test_pink_noise_keeps_its_level(pink):
    for start in range(0, 140, 10):
        assert rms(pink[start * RATE_HZ : (start + 10) * RATE_HZ]) == pytest.approx(1.0, rel=0.4)


def test_the_power_is_constant_across_a_seam_of_blocks(pink):
    seam = 2**20 - RATE_HZ // 10
    power = np.square(np.diff(pink), dtype=np.float64)
    assert power[seam : 2**20].mean() == pytest.approx(power[: 10 * RATE_HZ].mean(), rel=0.15)


def test_each_kind_has_its_spectrum(pink):
    white, hum = make("white", 60), make("hum", 10)
    assert octave_db(white, 2000) - octave_db(white, 500) == pytest.approx(6.0, abs=0.3)
    assert octave_db(pink, 2000) - octave_db(pink, 500) == pytest.approx(0.0, abs=0.3)
    assert octave_db(hum, 100) - octave_db(hum, 2000) > 15


def test_babble_is_reversed_speech():
    rising = (word(onset_s=0.0, end_s=1.0) * np.linspace(0, 1, 16000) ** 4).astype(np.int16)
    sound = noise.babble(60 * RATE_HZ, np.random.default_rng(0), [rising])
    before, after = np.square(sound[:-800], dtype=np.float64), np.square(sound[800:], dtype=np.float64)
    assert np.mean(np.maximum(after - before, 0) ** 3) > np.mean(np.maximum(before - after, 0) ** 3)


def test_babble_makes_soft_and_loud_voices_equally_loud():
    loud, soft = word(level=8000), word(level=80)
    mixed = noise.babble(30 * RATE_HZ, np.random.default_rng(0), [loud, soft])
    alike = noise.babble(30 * RATE_HZ, np.random.default_rng(0), [loud, loud])
    assert rms(mixed) == pytest.approx(rms(alike), rel=0.05)

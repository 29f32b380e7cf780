from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from harness.layout import RECORDINGS
from harness.sound.chirp import HIGHEST_HZ, LOWEST_HZ, chirp, find_chirp, in_band
from harness.sound.levels import rms_dbfs
from harness.sound.recording_scan import read_recordings
from harness.sound.stimulus import compose

RATE_HZ = 16_000
MILLISECOND = RATE_HZ / 1000
NANO_RATE_HZ = 16_125
"""Rate of the Nano 33 BLE's PDM for a requested 16 kHz."""


def received(start: int, gain: float = 0.3, length: int = 40_000, noise: float = 10.0, seed: int = 0):
    """Make a softer chirp at a sample, over white noise with this RMS in steps of int16."""
    sound = np.random.default_rng(seed).standard_normal(length) * noise
    sound[start : start + 8000] += gain * chirp()
    return as_int16(sound)


def as_int16(sound: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


def room(sound: np.ndarray, decay_s: float, reverberation_db: float, seed: int = 0) -> np.ndarray:
    """Add exponentially decaying reverberation, 4 ms after the direct sound."""
    rng = np.random.default_rng(seed)
    tail = rng.standard_normal(RATE_HZ) * 10 ** (-3 * np.arange(RATE_HZ) / RATE_HZ / decay_s)
    tail[: round(4 * MILLISECOND)] = 0
    tail *= np.sqrt(10 ** (reverberation_db / 10) / np.sum(tail**2))
    tail[0] = 1
    return fftconvolve(sound, tail)[: len(sound)]


def test_the_chirp_lies_in_the_band_of_speech():
    spectrum = np.abs(np.fft.rfft(chirp().astype(float))) ** 2
    frequency = np.fft.rfftfreq(8000, 1 / RATE_HZ)
    inside = (frequency > LOWEST_HZ - 50) & (frequency < HIGHEST_HZ + 50)
    assert spectrum[inside].sum() > 0.999 * spectrum.sum()


def test_a_chirp_that_would_clip_is_refused():
    with pytest.raises(ValueError, match="clips"):
        chirp(-1.0)


@settings(max_examples=5)
@given(start=st.integers(0, 32_000), gain_db=st.floats(-30, 12))
def test_a_chirp_is_found_at_any_offset_and_gain(start, gain_db):
    found = find_chirp(received(start, 10 ** (gain_db / 20)))
    assert found is not None
    assert found.at_sample == pytest.approx(start, abs=0.5)


@settings(max_examples=5)
@given(start=st.integers(8_000, 30_000), snr_db=st.floats(0, 40), seed=st.integers(0, 1000))
def test_level_and_snr_are_measured_in_noise(start, snr_db, seed):
    noise = np.random.default_rng(seed).standard_normal(40_000) * 300
    signal = np.zeros(40_000)
    noise_dbfs = rms_dbfs(as_int16(in_band(as_int16(noise))))
    signal[start : start + 8000] = chirp(-20.0) * 10 ** ((noise_dbfs + snr_db + 20) / 20)
    found = find_chirp(as_int16(noise + signal))
    assert found is not None
    assert found.at_sample == pytest.approx(start, abs=MILLISECOND / 2)
    assert found.snr_db == pytest.approx(snr_db, abs=1.0)
    assert found.level_dbfs == pytest.approx(noise_dbfs + snr_db, abs=1.0)
    assert found.noise_dbfs == pytest.approx(noise_dbfs, abs=0.5)


@settings(max_examples=5)
@given(
    start=st.integers(8_000, 24_000),
    decay_s=st.floats(0.2, 1.0),
    reverberation_db=st.floats(-20, 6),
    seed=st.integers(0, 1000),
)
def test_reverberation_does_not_move_the_chirp(start, decay_s, reverberation_db, seed):
    sound = room(received(start).astype(float), decay_s, reverberation_db, seed)
    found = find_chirp(as_int16(sound))
    assert found is not None
    assert found.at_sample == pytest.approx(start, abs=MILLISECOND)


def test_the_direct_sound_counts_where_an_echo_is_louder():
    sound = received(10_000, 0.3).astype(float)
    sound[160:] += 1.3 * received(10_000, 0.3, noise=0)[:-160]
    found = find_chirp(as_int16(sound))
    assert found is not None
    assert found.at_sample == pytest.approx(10_000, abs=MILLISECOND)


@pytest.mark.parametrize("rate_hz", [NANO_RATE_HZ, 15_875, 16_160])
def test_a_chirp_is_found_at_another_sampling_rate(rate_hz):
    sound = as_int16(soxr.resample(received(20_000).astype(float), RATE_HZ, rate_hz))
    found = find_chirp(sound)
    assert found is not None
    assert found.at_sample == pytest.approx(20_000 * rate_hz / RATE_HZ, abs=2)
    assert found.stretch == pytest.approx(rate_hz / RATE_HZ - 1, abs=3e-4)
    assert found.level_dbfs == pytest.approx(-30.5, abs=0.5)


@pytest.mark.parametrize(
    "kind", ["silence", "white", "pink", "hum", "too short", "noise that ends", "half a chirp"]
)
def test_no_chirp_is_found_in_other_sounds(kind):
    rng = np.random.default_rng(3)
    white = rng.standard_normal(64_000) * 2000
    sound = {
        "silence": np.zeros(64_000),
        "white": white,
        "pink": np.cumsum(white - np.mean(white)) / 30,
        "hum": 8000 * np.sin(2 * np.pi * 100 * np.arange(64_000) / RATE_HZ),
        "too short": chirp()[:4000].astype(float),
        "noise that ends": np.concatenate([white, np.zeros(16_000)]),
        "half a chirp": np.concatenate([white / 10, chirp()[:2000]]),
    }[kind]
    assert find_chirp(as_int16(sound)) is None


@pytest.mark.parametrize("start_s", [0, 15, 30])
def test_no_chirp_is_found_in_speech(start_s):
    recordings = read_recordings(RECORDINGS, ("silence", "unknown", "yes", "no")).recordings
    speech = compose(recordings[:16]).samples[start_s * RATE_HZ : (start_s + 5) * RATE_HZ]
    assert len(speech) == 5 * RATE_HZ
    assert find_chirp(speech) is None

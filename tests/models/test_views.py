"""The views of a recording: against scipy and TensorFlow, and by sounds whose picture is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from models import views
from models.data.features import micro_features
from models.data.wav import FULL_SCALE
from models.views import mel_middles, spectrum_of, views_of, waveform_of


def tone(hz: float, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    at_s = np.arange(round(16_000 * seconds)) / 16_000
    return np.rint(level * (FULL_SCALE - 1) * np.sin(2 * np.pi * hz * at_s)).astype(np.int16)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, samples).astype(np.int16)


@pytest.mark.parametrize("samples", [700, 5000, 40_000])
def test_the_spectrum_is_welchs(samples):
    recording = noise(samples)
    segment = min(1024, samples)
    overlap = segment - segment // 2
    whole = recording / FULL_SCALE
    hz, power = signal.welch(whole, 16_000, "hann", segment, overlap, detrend=False, scaling="spectrum")
    spectrum = spectrum_of(recording)
    np.testing.assert_allclose(spectrum.hz, hz)
    np.testing.assert_allclose(spectrum.dbfs, 10 * np.log10(power), atol=1e-6)


def test_spectrogram_mel_and_mfcc_are_tensorflows():
    import tensorflow as tf

    recording = noise(20_000)
    stft = tf.signal.stft(tf.constant(recording / FULL_SCALE, tf.float32), 480, 160, 512)
    power = np.abs(stft.numpy().astype(np.complex128)) ** 2
    window = tf.signal.hann_window(480).numpy().astype(np.float64)  # periodic, as scipy's
    onesided = np.where(np.isin(np.arange(257), [0, 256]), 1.0, 2.0)
    weights = tf.signal.linear_to_mel_weight_matrix(40, 257, 16_000, 125.0, 7500.0)
    mel = (power * onesided) @ weights.numpy() / (512 * (window**2).sum())
    mfcc = tf.signal.mfccs_from_log_mel_spectrograms(np.log(mel).astype(np.float32)).numpy()

    seen = views_of(recording)
    expected = 10 * np.log10(power * onesided / window.sum() ** 2)
    np.testing.assert_allclose(seen.spectrogram.values, expected, atol=0.01)
    np.testing.assert_allclose(seen.mel.values, 10 * np.log10(mel), atol=0.01)
    np.testing.assert_allclose(seen.mfcc.values, mfcc[:, :13], atol=0.01)


@pytest.mark.parametrize("channel", [0, 9, 20, 31, 39])
def test_the_front_ends_channels_have_the_same_middles_as_the_mel_bands(channel):
    faint = tone(mel_middles()[channel], level=0.001)  # else the gain control lifts even channels
    assert micro_features(faint)[0].argmax() == channel


def test_the_model_sees_what_the_board_is_checked_against():
    recording = noise(50_000)
    seen = views_of(recording).micro.values
    assert seen.dtype == np.uint16
    np.testing.assert_array_equal(seen, micro_features(recording))
    np.testing.assert_array_equal(seen[:49], micro_features(recording[:16_000]))
    filled = np.concatenate([recording[:4000], np.zeros(12_000, np.int16)])  # as in training
    np.testing.assert_array_equal(views_of(recording[:4000]).micro.values, micro_features(filled))


def test_an_impulse_stands_in_the_middle_of_its_column():
    recording = np.zeros(16_000, np.int16)
    recording[8080] = 20_000  # at 0.505 s, in the middle of a frame
    for image in (views_of(recording).spectrogram, views_of(recording).mel):
        loudest = image.values.max(axis=1).argmax()
        middle_s = image.first_s + (loudest + 0.5) * image.column_s
        assert middle_s == pytest.approx(0.505)


def test_frames_that_share_a_column_show_their_loudest(monkeypatch):
    recording = noise(16_000)
    every = views_of(recording)
    monkeypatch.setattr(views, "MOST_COLUMNS", 20)
    monkeypatch.setattr(views, "_BLOCK_FRAMES", 11)  # blocks do not show
    few = views_of(recording)
    frames = len(every.mel.values)
    together = -(-frames // 20)
    assert few.mel.column_s == pytest.approx(together * 0.01)
    assert f"loudest of {together} frames" in few.mel.method
    for first in range(0, frames, together):
        group = slice(first, first + together)
        column = first // together
        np.testing.assert_allclose(few.mel.values[column], every.mel.values[group].max(axis=0), atol=1e-5)
        np.testing.assert_allclose(
            few.spectrogram.values[column], every.spectrogram.values[group].max(axis=0), atol=1e-5
        )
        np.testing.assert_allclose(few.mfcc.values[column], every.mfcc.values[group].mean(axis=0), atol=1e-4)


@given(samples=st.integers(1, 5000), stretches=st.integers(1, 300))
def test_the_waveform_holds_every_sample_between_its_lines(samples, stretches):
    recording = noise(samples, seed=samples)
    wave = waveform_of(recording, stretches)
    assert len(wave.start_s) == min(samples, stretches)
    bounds = np.append(np.rint(wave.start_s * 16_000).astype(int), samples)
    assert (np.diff(bounds) > 0).all()
    for low, high, start, end in zip(wave.low, wave.high, bounds[:-1], bounds[1:], strict=True):
        assert (low, high) == (
            recording[start:end].min() / FULL_SCALE,
            recording[start:end].max() / FULL_SCALE,
        )


@settings(max_examples=25)
@given(samples=st.integers(480, 40_000))
def test_views_of_any_length_have_their_shapes_and_no_holes(samples):
    seen = views_of(noise(samples))
    frames = (samples - 480) // 160 + 1
    assert seen.spectrogram.values.shape == (frames, 257)
    assert seen.mel.values.shape == (frames, 40)
    assert seen.mfcc.values.shape == (frames, 13)
    assert seen.micro.values.shape == ((max(samples, 16_000) - 480) // 320 + 1, 40)
    assert seen.spectrum.hz[0] == 0 and seen.spectrum.hz[-1] <= 8000.001
    for image in (seen.spectrogram, seen.mel, seen.mfcc):
        assert np.isfinite(image.values).all()
        assert len(image.rows) == image.values.shape[1]


def test_digital_silence_is_at_the_floor_and_not_without_a_number():
    seen = views_of(np.zeros(16_000, np.int16))
    for values in (seen.spectrum.dbfs, seen.spectrogram.values, seen.mel.values):
        np.testing.assert_allclose(values, -140)
    assert not seen.micro.values.any()
    np.testing.assert_allclose(seen.mfcc.values[:, 1:], 0, atol=1e-3)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(479, np.int16), np.zeros(480), np.zeros((480, 2), np.int16)],
    ids=["few", "float", "stereo"],
)
def test_what_is_no_recording_is_refused(samples):
    with pytest.raises(ValueError, match="int16"):
        views_of(samples)

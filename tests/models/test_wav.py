"""Reading and writing of WAV files."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from models.data.wav import read_wav, write_wav
from models.errors import DatasetError

NOISE = np.random.default_rng(1).integers(-32768, 32768, 16000).astype(np.int16)


def tone(rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate_hz * seconds)) / rate_hz)


def test_16_bit_mono_at_16_khz_is_unchanged(tmp_path):
    write_wav(tmp_path / "a.wav", NOISE)
    samples, note = read_wav(tmp_path / "a.wav")
    assert samples.dtype == np.int16
    np.testing.assert_array_equal(samples, NOISE)
    assert note == ""


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_another_rate_is_resampled_and_noted(tmp_path, rate_hz):
    soundfile.write(tmp_path / "a.wav", tone(rate_hz), rate_hz, subtype="PCM_16")
    samples, note = read_wav(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(16000, abs=1)
    middle = slice(2000, 14000)  # a resampler has edges
    assert np.abs(samples[middle] / 32768 - tone(16000)[middle]).max() < 0.01
    assert note == f"resampled from {rate_hz:,} Hz"


def test_several_channels_become_their_mean(tmp_path):
    left, right = NOISE // 2, NOISE // 4
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 16000, subtype="PCM_16")
    samples, note = read_wav(tmp_path / "a.wav")
    np.testing.assert_allclose(samples, (left.astype(float) + right) / 2, atol=0.5)
    assert note == "mean of 2 channels"


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE", "PCM_24", "PCM_32", "PCM_U8", "ULAW"])
def test_another_coding_keeps_its_scale_and_is_noted(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", tone(16000), 16000, subtype=subtype)
    samples, note = read_wav(tmp_path / "a.wav")
    assert np.abs(samples / 32768 - tone(16000)).max() < 0.02
    assert note == f"{subtype} rounded to 16 bits"


def test_samples_beyond_full_scale_are_clipped_and_noted(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.0, 1.5, -1.5]), 16000, subtype="FLOAT")
    samples, note = read_wav(tmp_path / "a.wav")
    assert samples.tolist() == [0, 32767, -32768]
    assert "2 samples clipped" in note


BROKEN = {
    "text": lambda path: path.write_text("this is no sound"),
    "cut": lambda path: (write_wav(path, NOISE), path.write_bytes(path.read_bytes()[:20])),
    "empty": lambda path: write_wav(path, NOISE[:0]),
    "nothing": lambda path: path.write_bytes(b""),
    "nan": lambda path: soundfile.write(path, np.array([0.0, np.nan]), 16000, subtype="FLOAT"),
    "folder": lambda path: path.mkdir(),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named(tmp_path, kind):
    BROKEN[kind](tmp_path / "yes_7.wav")
    with pytest.raises(DatasetError, match=r"yes_7\.wav"):
        read_wav(tmp_path / "yes_7.wav")

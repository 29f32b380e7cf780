"""Reading and writing of WAV files."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile

from models.data.wav import open_sound, read_wav, write_wav
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


def rewrite(path, at: int, value: int, endian: str = "LITTLE"):
    """Write a number of 32 bits into a file."""
    data = bytearray(path.read_bytes())
    data[at : at + 4] = value.to_bytes(4, "little" if endian == "LITTLE" else "big")
    path.write_bytes(data)
    return path


LENGTH, RATE = 40, 24
"""Places in a WAV header of 44 bytes."""


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "AIFF", "AU", "W64", "RF64"])
@pytest.mark.parametrize("coding", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("kept", [0.25, 0.5, 0.98])
def test_a_recording_that_is_cut_off_is_refused_with_both_lengths(tmp_path, container, coding, kept):
    path = tmp_path / "yes.wav"
    soundfile.write(path, tone(16000), 16000, format=container, subtype=coding)
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * kept)])
    with pytest.raises(DatasetError, match=r"cut off: it ends after 0\.\d\d of (0\.99|1\.00) s.*yes\.wav"):
        read_wav(path)


@pytest.mark.parametrize("coding", ["GSM610", "IMA_ADPCM", "MS_ADPCM", "G721_32", "ULAW", "FLOAT"])
def test_a_coded_recording_that_is_cut_off_is_refused(tmp_path, coding):
    soundfile.write(tmp_path / "yes.wav", tone(16000), 16000, subtype=coding)
    data = (tmp_path / "yes.wav").read_bytes()
    (tmp_path / "yes.wav").write_bytes(data[: len(data) // 2])
    with pytest.raises(DatasetError, match="cut off"):
        read_wav(tmp_path / "yes.wav")


def test_a_header_that_counts_itself_as_sound_is_noted(tmp_path):
    write_wav(tmp_path / "a.wav", NOISE)
    samples, note = read_wav(rewrite(tmp_path / "a.wav", LENGTH, 32_044))
    np.testing.assert_array_equal(samples, NOISE)
    assert note == "1.4 ms are missing at the end"


def test_a_header_that_was_never_completed_is_read_to_the_end_of_the_file(tmp_path):
    write_wav(tmp_path / "a.wav", NOISE)
    samples, note = read_wav(rewrite(rewrite(tmp_path / "a.wav", LENGTH, 0), 4, 8))
    np.testing.assert_array_equal(samples, NOISE)
    assert note == "the header gives no length: read to the end of the file"


@pytest.mark.filterwarnings(
    "error::pytest.PytestUnraisableExceptionWarning"
)  # libsndfile goes behind the end
def test_a_file_without_a_length_that_ends_in_half_a_sample_is_read(tmp_path):
    write_wav(tmp_path / "a.wav", NOISE)
    path = rewrite(tmp_path / "a.wav", LENGTH, 0)
    path.write_bytes(path.read_bytes()[:-1])
    np.testing.assert_array_equal(read_wav(path)[0], NOISE[:-1])


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFDB])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_a_header_without_a_length_is_read_to_the_end_of_the_file(tmp_path, length, channels, endian):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([NOISE] * channels, axis=1), 16000, "PCM_16", endian, "WAV")
    samples, note = read_wav(rewrite(path, LENGTH, length, endian))
    np.testing.assert_array_equal(samples, NOISE)
    assert note.startswith("the header gives no length: read to the end of the file")


def test_a_header_without_a_length_before_another_chunk_means_an_empty_recording(tmp_path):
    write_wav(tmp_path / "a.wav", NOISE[:0])
    with (tmp_path / "a.wav").open("ab") as file:
        file.write(b"LIST\x04\x00\x00\x00INFO")
    with pytest.raises(DatasetError, match="empty"):
        read_wav(tmp_path / "a.wav")


def test_sound_behind_the_length_of_the_header_is_noted(tmp_path):
    write_wav(tmp_path / "a.wav", NOISE)
    samples, note = read_wav(rewrite(tmp_path / "a.wav", LENGTH, 16_000))
    assert len(samples) == 8000
    assert note == "unknown data behind the sound is not read"


@pytest.mark.parametrize("coding", ["GSM610", "G721_32", "NMS_ADPCM_32"])
def test_a_coding_that_cannot_be_sought_is_read(tmp_path, coding):
    soundfile.write(tmp_path / "a.wav", tone(8000, 2.0), 8000, subtype=coding)
    samples, note = read_wav(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(32_000, abs=330)
    assert coding in note
    with open_sound(tmp_path / "a.wav") as sound:
        sound.seek(8000)
        assert sum(map(len, sound.blocks(sound.frames - 8000))) == sound.frames - 8000


@pytest.mark.parametrize("rate_hz", [0, 1, 100, 3_999, 768_001, 2**31 - 1])
def test_a_rate_that_no_converter_has_is_refused(tmp_path, rate_hz):
    write_wav(tmp_path / "a.wav", NOISE)
    with pytest.raises(DatasetError, match=r"a\.wav"):
        read_wav(rewrite(tmp_path / "a.wav", RATE, rate_hz))


def test_more_channels_than_a_microphone_array_has_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 65)), 16000, subtype="PCM_16")
    with pytest.raises(DatasetError, match="65 channels"):
        read_wav(tmp_path / "a.wav")


def test_a_recording_of_more_than_ten_minutes_is_refused_unread(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(4000 * 601, np.int16), 4000, subtype="PCM_16")
    with pytest.raises(DatasetError, match="lasts 601 s, longer than 600 s"):
        read_wav(tmp_path / "a.wav")


def test_a_long_recording_of_many_channels_is_read_in_blocks(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((192_000 * 10, 8), np.int16), 192_000, subtype="PCM_16")
    tracemalloc.start()
    samples, _ = read_wav(tmp_path / "a.wav")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(samples) == 160_000
    assert peak_bytes < 40e6  # the file has 31 MB, its samples as float64 123 MB


@pytest.mark.parametrize("other", [-1.0, -0.9, -0.5])
def test_of_channels_that_cancel_the_loudest_is_taken(tmp_path, other):
    channels = [np.zeros_like(NOISE), (NOISE * other).astype(np.int16), NOISE]
    loudest = 1 if other == -1.0 else 2
    for first, found in ((0, loudest), (1, loudest - 1)):  # of three channels, and of two
        soundfile.write(tmp_path / f"{first}.wav", np.stack(channels[first:], 1), 16000)
        samples, note = read_wav(tmp_path / f"{first}.wav")
        np.testing.assert_allclose(samples, channels[loudest], atol=1)
        assert note == f"channel {found + 1} of {3 - first}, because the channels cancel each other"


def test_a_missing_recording_is_told_as_such(tmp_path):
    with pytest.raises(DatasetError, match="the file does not exist"):
        read_wav(tmp_path / "a.wav")


def test_floats_in_the_steps_of_int16_are_refused_and_not_clipped(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE.astype(np.float32), 16000, subtype="FLOAT")
    with pytest.raises(DatasetError, match="far beyond full scale"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("channels", [2, 8, 64])
def test_channels_without_relation_do_not_cancel(tmp_path, channels):
    noise = np.random.default_rng(2).integers(-20_000, 20_000, (16_000, channels)).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", noise, 16000)
    assert read_wav(tmp_path / "a.wav")[1] == f"mean of {channels} channels"

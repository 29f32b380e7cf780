from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
import soundfile

from harness.errors import UsageError
from harness.sound.sound_files import check_file, length_of, notes_on, read_part, repeated
from models.data.wav import read_wav
from models.errors import DatasetError


def sweep(path, rate_hz: int = 16000, seconds: float = 3.0, channels: int = 1):
    """Write a tone that rises from 200 Hz to 3 kHz, so that all parts differ."""
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    tone = 0.5 * np.sin(2 * np.pi * (200 * time_s + 2800 / seconds / 2 * time_s**2))
    soundfile.write(path, np.stack([tone] * channels, 1), rate_hz, subtype="PCM_16")
    return path


def test_a_stretch_is_a_part_of_the_file(tmp_path):
    path = sweep(tmp_path / "a.wav")
    np.testing.assert_array_equal(read_part(path, 12345, 20000), read_wav(path)[0][12345:32345])


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_a_stretch_equals_the_same_part_of_the_resampled_file(tmp_path, rate_hz):
    path = sweep(tmp_path / "a.wav", rate_hz, channels=2)
    whole = read_wav(path)[0].astype(float)
    part = read_part(path, 16001, 16000)
    assert len(part) == 16000
    assert np.abs(part - whole[16001:32001]).max() < 2


def test_silence_follows_the_end_of_a_file(tmp_path):
    path = sweep(tmp_path / "a.wav", seconds=1.0)
    part = read_part(path, 8000, 16000)
    assert part[:8000].any()
    assert not part[8000:].any()


@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_the_length_of_a_file_is_in_samples_at_16_khz(tmp_path, rate_hz):
    assert length_of(sweep(tmp_path / "a.wav", rate_hz)) == 48000


def test_a_file_is_repeated_after_its_end(tmp_path):
    path = sweep(tmp_path / "a.wav", seconds=1.0)
    samples = read_wav(path)[0]
    sound = repeated(path, 4000, 40000)
    np.testing.assert_array_equal(sound[:11800], samples[4000:15800])
    np.testing.assert_array_equal(sound[12000:27500], samples[160:15660])  # 160: the seam of 10 ms
    assert np.abs(np.diff(sound)).max() < 1.3 * np.abs(np.diff(samples.astype(float))).max()


def test_a_change_after_the_first_check_is_refused_with_a_remedy(tmp_path):
    path = sweep(tmp_path / "a.wav")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    check_file(path, digest)
    sweep(path, seconds=2.0)
    os.utime(path, ns=(0, 0))
    with pytest.raises(UsageError, match=r"sha256 differs.*a\.wav") as refusal:
        check_file(path, digest)
    assert "new plan" in refusal.value.remedy


def test_a_file_that_is_no_sound_or_too_short_to_repeat_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(DatasetError, match=r"the recording cannot be read: Format not.*a\.wav"):
        length_of(tmp_path / "a.wav")
    with pytest.raises(UsageError, match=r"lasts only 0\.50 s.*b\.wav"):
        repeated(sweep(tmp_path / "b.wav", seconds=0.5), 0, 100)


@pytest.mark.parametrize("coding", ["GSM610", "G721_32"])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_part_of_a_file_that_cannot_be_sought_equals_the_part_of_the_whole(tmp_path, coding, rate_hz):
    time_s = np.arange(rate_hz * 3) / rate_hz
    soundfile.write(tmp_path / "a.wav", 0.3 * np.sin(2 * np.pi * 300 * time_s**2), rate_hz, subtype=coding)
    whole = read_wav(tmp_path / "a.wav")[0].astype(float)
    for start in (0, 16001):
        part = read_part(tmp_path / "a.wav", start, 16000)
        assert np.abs(part - whole[start : start + 16000]).max() < 2


def test_a_part_of_a_file_whose_header_has_no_length_and_whose_channels_cancel_is_read(tmp_path):
    samples = read_wav(sweep(tmp_path / "one.wav"))[0]
    soundfile.write(tmp_path / "a.wav", np.stack([samples, -samples], 1), 16000, subtype="PCM_16")
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[:40] + bytes(4) + data[44:])
    assert length_of(tmp_path / "a.wav") == 48000
    np.testing.assert_array_equal(read_part(tmp_path / "a.wav", 12345, 20000), samples[12345:32345])
    assert notes_on(tmp_path / "a.wav") == [
        "the header gives no length: read to the end of the file",
        "channel 1 of 2, because the channels cancel each other",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_part_with_values_that_are_no_samples_is_refused(tmp_path, value):
    soundfile.write(tmp_path / "a.wav", np.full(4000, value), 16000, subtype="FLOAT")
    with pytest.raises(DatasetError, match=r"not numbers.*a\.wav"):
        read_part(tmp_path / "a.wav", 0, 1000)


def test_a_file_that_ends_before_its_length_is_cut_off_and_not_filled_with_zeros(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(40000, 0.1), 16000, format="FLAC")
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[22:26] = (80000).to_bytes(4, "big")  # the number of samples, in a FLAC file's first block
    (tmp_path / "a.wav").write_bytes(data)
    assert length_of(tmp_path / "a.wav") == 80000
    with pytest.raises(DatasetError, match=r"cut off|cannot be read"):
        read_part(tmp_path / "a.wav", 30000, 20000)

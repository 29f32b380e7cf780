"""The Speech Commands loader: who belongs to which set, how many of what, and what randomness depends on."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data.dataset import DatasetConfig, SpeechCommands, share, shifted, split_of
from models.data.wav import write_wav
from models.errors import ConfigError, DatasetError

SPEAKERS = [f"{number:08x}" for number in range(40)]
TONE = (3000 * np.sin(np.arange(16_000) / 20)).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty speakers who say yes and no once, and four other words each."""
    root = tmp_path_factory.mktemp("dataset")
    generator = np.random.default_rng(0)
    for word in ("yes", "no", "cat", "dog", "up", "one"):
        (root / word).mkdir()
        for speaker in SPEAKERS:
            write_wav(root / word / f"{speaker}_nohash_0.wav", TONE)
    (root / "_background_noise_").mkdir()
    for name in ("white", "other"):
        noise = generator.integers(-9000, 9000, 40_000).astype(np.int16)
        write_wav(root / "_background_noise_" / f"{name}.wav", noise)
    return root


@given(speaker=st.from_regex(r"[0-9a-f]{8}", fullmatch=True), take=st.integers(0, 9))
def test_the_set_follows_from_the_hash_of_the_speaker(speaker, take):
    digest = int(hashlib.sha1(speaker.encode()).hexdigest(), 16)
    percent = (digest % (1 << 27)) * 100 / ((1 << 27) - 1)
    expected = "validation" if percent < 10 else "testing" if percent < 20 else "training"
    assert split_of(f"yes/{speaker}_nohash_{take}.wav") == expected


@pytest.mark.parametrize("split", ["training", "validation", "testing"])
def test_silence_and_unknown_are_shares_of_the_wanted_clips(folder, split):
    clips = SpeechCommands(folder, DatasetConfig(silence_percent=33, unknown_percent=25)).clips(split)
    count = [sum(clip.label == label for clip in clips) for label in range(4)]
    wanted = count[2] + count[3]
    assert count[0] == ceil(wanted * 33 / 100)
    assert count[1] == ceil(wanted * 25 / 100)
    assert count[2] == count[3] > 0


def test_the_published_counts_of_speech_commands_come_out():
    """Version 0.02 has 6,358 yes and no in the training set; 33 % of each make 10,556 clips of it."""
    assert 6358 + 2 * share(6358, 33) == 10_556


def test_no_speaker_is_in_two_sets(folder):
    dataset = SpeechCommands(folder)
    speakers = [
        {clip.key.split("/")[1].split("_")[0] for clip in dataset.clips(split) if clip.label}
        for split in ("training", "validation", "testing")
    ]
    assert not speakers[0] & speakers[1] and not speakers[0] & speakers[2] and not speakers[1] & speakers[2]


def test_the_same_seed_renders_the_same_whatever_was_rendered_before(folder):
    first, second = SpeechCommands(folder), SpeechCommands(folder)
    clips = first.clips("training")
    assert clips == second.clips("training")
    in_order = [first.render(clip) for clip in clips[:5]]
    backwards = [second.render(clip) for clip in reversed(clips[:5])][::-1]
    np.testing.assert_array_equal(in_order, backwards)


def test_another_seed_draws_other_clips(folder):
    one, other = SpeechCommands(folder, DatasetConfig(seed=1)), SpeechCommands(folder, DatasetConfig(seed=2))
    assert one.clips("training") != other.clips("training")


def test_another_copy_of_a_training_clip_is_augmented_otherwise(folder):
    dataset = SpeechCommands(folder)
    clip = next(clip for clip in dataset.clips("training") if clip.word == "yes")
    assert (dataset.render(clip) != dataset.render(replace(clip, copy=1))).any()


def test_a_test_clip_is_the_recording_itself(folder):
    dataset = SpeechCommands(folder)
    clip = next(clip for clip in dataset.clips("testing") if clip.word == "yes")
    np.testing.assert_array_equal(dataset.render(clip), TONE)


@pytest.mark.parametrize(("by", "expected"), [(2, [0, 0, 1, 2]), (-2, [3, 4, 0, 0]), (0, [1, 2, 3, 4])])
def test_a_shift_moves_and_fills_with_zeros(by, expected):
    assert shifted(np.array([1, 2, 3, 4]), by).tolist() == expected


def test_a_shorter_recording_is_followed_by_zeros_and_a_stereo_one_is_noted(folder, tmp_path):
    import soundfile

    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "yes").unlink()
    (tmp_path / "yes").mkdir()
    for speaker in SPEAKERS:
        stereo = np.full((4000, 2), 0.25)
        soundfile.write(tmp_path / "yes" / f"{speaker}_nohash_0.wav", stereo, 8000, subtype="PCM_16")
    dataset = SpeechCommands(tmp_path)
    clip = next(clip for clip in dataset.clips("testing") if clip.word == "yes")
    samples = dataset.render(clip)
    assert samples[8000:].any() == False  # noqa: E712
    assert "resampled from 8,000 Hz" in dataset.notes[clip.key]


def test_a_broken_recording_is_named(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "no").unlink()
    (tmp_path / "no").mkdir()
    for speaker in SPEAKERS:
        (tmp_path / "no" / f"{speaker}_nohash_0.wav").write_bytes(b"RIFF")
    dataset = SpeechCommands(tmp_path)
    clip = next(clip for clip in dataset.clips("testing") if clip.word == "no")
    with pytest.raises(DatasetError, match=clip.key):
        dataset.render(clip)


def test_a_missing_word_missing_noise_and_a_missing_folder_are_said(folder, tmp_path):
    with pytest.raises(DatasetError, match="maybe"):
        SpeechCommands(folder, DatasetConfig(wanted=("yes", "maybe")))
    with pytest.raises(DatasetError, match="not there"):
        SpeechCommands(tmp_path / "nowhere")
    for word in ("yes", "no"):
        (tmp_path / word).symlink_to(folder / word)
    with pytest.raises(DatasetError, match="background noise"):
        SpeechCommands(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wanted": ()},
        {"wanted": ("yes", "yes")},
        {"unknown_percent": -1},
        {"validation_percent": 60, "testing_percent": 40},
        {"background_volume": 2},
        {"copies": 0},
    ],
)
def test_a_config_out_of_range_is_refused(wrong):
    with pytest.raises(ConfigError):
        DatasetConfig(**wrong)

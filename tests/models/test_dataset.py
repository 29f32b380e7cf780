"""Loader of Speech Commands: splits, shares, and what randomness depends on."""

from __future__ import annotations

import hashlib
import os
import shutil
from math import ceil

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from models.data.dataset import Clip, DatasetConfig, SpeechCommands, share, split_of
from models.data.wav import write_wav
from models.errors import DatasetError

SPEAKERS = [f"{number:08x}" for number in range(40)]
TONE = (3000 * np.sin(np.arange(16_000) / 20)).astype(np.int16)

# Files of validation_list.txt and testing_list.txt of Speech Commands, and of neither.
PUBLISHED = {
    "validation": ["bed/fde2dee7_nohash_0.wav", "bird/099d52ad_nohash_0.wav", "go/0ab3b47d_nohash_1.wav"],
    "testing": ["bed/0c40e715_nohash_0.wav", "bird/42beb5eb_nohash_0.wav", "cat/2aa787cf_nohash_2.wav"],
    "training": ["two/a3502f15_nohash_0.wav", "yes/05b2db80_nohash_0.wav", "zero/32561e9e_nohash_0.wav"],
}


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


@given(speaker=st.integers(0, 2**32 - 1).map("{:08x}".format), take=st.integers(0, 9))
def test_the_split_follows_from_the_hash_of_the_speaker(speaker, take):
    digest = int(hashlib.sha1(speaker.encode()).hexdigest(), 16)
    percent = (digest % (1 << 27)) * 100 / ((1 << 27) - 1)
    expected = "validation" if percent < 10 else "testing" if percent < 20 else "training"
    assert split_of(f"yes/{speaker}_nohash_{take}.wav") == expected


@pytest.mark.parametrize("split", PUBLISHED)
def test_published_files_are_in_their_published_split(split):
    assert {split_of(name) for name in PUBLISHED[split]} == {split}


@pytest.fixture
def listed(folder, tmp_path):
    """Return the folder with lists that contradict the hash: speaker 0 is tested, speaker 1 validated."""
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    for number, name in enumerate(("testing_list.txt", "validation_list.txt")):
        files = [f"{word}/{SPEAKERS[number]}_nohash_0.flac\n" for word in ("yes", "no", "cat")]
        (tmp_path / name).write_text("".join(files))
    return tmp_path


def speakers_of(dataset, split):
    return {clip.key.split("/")[1][:8] for clip in dataset.clips(split) if clip.label >= 2}


def test_lists_go_before_the_hash(listed):
    dataset = SpeechCommands(listed)
    assert speakers_of(dataset, "testing") == {SPEAKERS[0]}
    assert speakers_of(dataset, "validation") == {SPEAKERS[1]}
    assert speakers_of(dataset, "training") == set(SPEAKERS[2:])


def test_the_hash_decides_the_split_that_has_no_list(listed):
    (listed / "validation_list.txt").unlink()
    dataset = SpeechCommands(listed)
    assert speakers_of(dataset, "testing") == {SPEAKERS[0]}
    by_hash = {
        name for name in SPEAKERS[1:] if split_of(f"{name}_nohash_0", testing_percent=0) == "validation"
    }
    assert speakers_of(dataset, "validation") == by_hash


def test_a_changed_list_is_another_dataset(listed):
    before = SpeechCommands(listed).fingerprint()
    (listed / "testing_list.txt").write_text(f"yes/{SPEAKERS[3]}_nohash_0.wav\n")
    assert SpeechCommands(listed).fingerprint() != before


def test_a_list_that_is_no_text_is_named(listed):
    (listed / "testing_list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"list cannot be read.*testing_list\.txt"):
        SpeechCommands(listed)


@pytest.mark.parametrize("onset", [0, 17_000, 30_000])
def test_the_clip_of_a_longer_recording_is_its_loudest_second(folder, tmp_path, onset):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    long = np.random.default_rng(0).integers(300, 701, 40_000).astype(np.int16)  # hiss and an offset
    long[onset : onset + 10_000] += TONE[:10_000]
    (tmp_path / "cat").unlink()
    (tmp_path / "cat").mkdir()
    write_wav(tmp_path / "cat" / "long_nohash_0.wav", long)
    rendered = SpeechCommands(tmp_path).render(Clip("cat/long_nohash_0.wav", "cat", 1, "testing"))
    begin = next(at for at in range(24_001) if np.array_equal(long[at : at + 16_000], rendered))
    assert begin == pytest.approx(np.clip(onset - 3_000, 0, 24_000), abs=700)  # the word in the middle


@pytest.mark.parametrize(
    ("suffix", "container", "coding", "most_error"),
    [
        ("flac", "FLAC", "PCM_16", 0),
        ("ogg", "OGG", "VORBIS", 600),
        ("opus", "OGG", "OPUS", 1500),
        ("mp3", "MP3", "MPEG_LAYER_III", 1500),
        ("aiff", "AIFF", "PCM_16", 0),
    ],
)
def test_other_formats_are_read(folder, tmp_path, suffix, container, coding, most_error):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "yes").unlink()
    (tmp_path / "yes").mkdir()
    for speaker in SPEAKERS:
        file = tmp_path / "yes" / f"{speaker}_nohash_0.{suffix}"
        soundfile.write(file, TONE, 16_000, format=container, subtype=coding)
    dataset = SpeechCommands(tmp_path)
    clip = next(clip for clip in dataset.clips("testing") if clip.word == "yes")
    assert abs(dataset.render(clip).astype(int) - TONE).max() <= most_error


@pytest.mark.parametrize("split", ["training", "testing"])
def test_one_speaker_has_no_other_split(folder, tmp_path, split):
    speaker = next(name for name in SPEAKERS if (split_of(name) == "training") != (split == "training"))
    for word in ("yes", "no", "_background_noise_"):
        (tmp_path / word).mkdir()
        for path in (folder / word).iterdir():
            if word[0] == "_" or path.name.startswith(speaker):
                (tmp_path / word / path.name).symlink_to(path)
    with pytest.raises(DatasetError, match=f"the {split} split has no recording of a wanted word"):
        SpeechCommands(tmp_path).clips(split)


def test_a_word_that_only_the_test_set_has_cannot_be_learned(listed):
    (listed / "up").unlink()
    (listed / "up").mkdir()
    write_wav(listed / "up" / f"{SPEAKERS[0]}_nohash_0.wav", TONE)
    (listed / "testing_list.txt").write_text(f"up/{SPEAKERS[0]}_nohash_0.wav\nyes/{SPEAKERS[0]}_nohash_0.wav")
    dataset = SpeechCommands(listed, DatasetConfig.of(("yes", "up")))
    assert {clip.word for clip in dataset.clips("testing")} > {"yes", "up"}
    with pytest.raises(DatasetError, match='training split has no recording of "up"'):
        dataset.clips("training")


@pytest.mark.parametrize(("words", "percent"), [(2, 33), (3, 33), (10, 10), (35, 100 / 35)])
def test_silence_and_unknown_have_the_published_shares_of_each_vocabulary(words, percent):
    config = DatasetConfig.of([f"word{number}" for number in range(words)])
    assert config.silence_percent == config.unknown_percent == pytest.approx(percent, abs=0.4)
    assert len(config.labels) == words + 2


def test_shares_give_the_published_counts():
    """Version 0.02 has 6,358 wanted clips for training, 419 + 405 for testing; 33 % are added twice."""
    assert 6358 + 2 * share(6358, 33) == 10_556
    assert 419 + 405 + 2 * share(419 + 405, 33) == 1368


@pytest.mark.parametrize("split", ["training", "validation", "testing"])
def test_silence_and_unknown_are_shares_of_the_wanted_clips(folder, split):
    clips = SpeechCommands(folder, DatasetConfig(silence_percent=33, unknown_percent=25)).clips(split)
    count = [sum(clip.label == label for clip in clips) for label in range(4)]
    wanted = count[2] + count[3]
    assert count[0] == ceil(wanted * 33 / 100)
    assert count[1] == ceil(wanted * 25 / 100)
    assert count[2] == count[3] > 0


def test_rendering_depends_on_the_seed_and_not_on_the_order(folder):
    first, second = SpeechCommands(folder), SpeechCommands(folder)
    clips = first.clips("training")
    assert clips == second.clips("training")
    assert clips != SpeechCommands(folder, DatasetConfig(seed=2)).clips("training")
    in_order = [first.render(clip) for clip in clips[:5]]
    backwards = [second.render(clip) for clip in reversed(clips[:5])][::-1]
    np.testing.assert_array_equal(in_order, backwards)


def test_a_test_clip_is_the_recording_itself(folder):
    dataset = SpeechCommands(folder)
    clip = next(clip for clip in dataset.clips("testing") if clip.word == "yes")
    np.testing.assert_array_equal(dataset.render(clip), TONE)


@pytest.fixture
def odd_dataset(folder, tmp_path):
    """Replace one recording of "yes" by a short one, and one of "no" by a broken file."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    dataset = SpeechCommands(tmp_path)
    yes, no = (next(c for c in dataset.clips("testing") if c.word == word) for word in ("yes", "no"))
    write_wav(tmp_path / yes.key, TONE[:8000])
    (tmp_path / no.key).write_bytes(b"RIFF")
    return dataset, yes, no


def test_a_short_recording_is_filled_and_a_broken_one_is_named(odd_dataset):
    dataset, short, broken = odd_dataset
    samples = dataset.render(short)
    assert len(samples) == 16_000 and samples[:8000].any() and not samples[8000:].any()
    with pytest.raises(DatasetError, match=broken.key):
        dataset.render(broken)


def test_a_missing_word_missing_noise_and_a_missing_folder_are_named(folder, tmp_path):
    with pytest.raises(DatasetError, match="maybe"):
        SpeechCommands(folder, DatasetConfig(wanted=("yes", "maybe")))
    with pytest.raises(DatasetError, match="does not exist"):
        SpeechCommands(tmp_path / "nowhere")
    for word in ("yes", "no"):
        (tmp_path / word).symlink_to(folder / word)
    with pytest.raises(DatasetError, match="background noise"):
        SpeechCommands(tmp_path)


def test_capitals_in_folders_and_suffixes_do_not_matter(folder, tmp_path):
    for path in folder.rglob("*.wav"):
        name = path.parent.name
        copied = tmp_path / (name if name[0] == "_" else name.title()) / f"{path.stem}.WAV"
        copied.parent.mkdir(exist_ok=True)
        copied.symlink_to(path)
    plain, capital = SpeechCommands(folder), SpeechCommands(tmp_path)
    for split in ("training", "testing"):
        expected = [(clip.label, clip.split) for clip in plain.clips(split) if clip.label >= 2]
        found = [(clip.label, clip.split) for clip in capital.clips(split) if clip.label >= 2]
        assert sorted(found) == sorted(expected)
    assert capital.render(capital.clips("training")[0]).any()


def test_files_that_are_no_clips_are_listed_with_the_reason(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    for name in ("yes/1.m4a", "1.wav", "yes/more/1.wav", "_extra_/1.wav", "yes/._1.wav", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no sound")
    (tmp_path / os.fsdecode(b"yes/\xff.wav")).write_text("no sound")
    write_wav(tmp_path / "_background_noise_" / "brief.wav", TONE[:100])
    (tmp_path / "_background_noise_" / "broken.wav").write_text("no sound")
    dataset = SpeechCommands(tmp_path)
    assert len(dataset.noises) == 2
    no_word = "no word: it is not directly in the folder of a word"
    assert sorted((each.source, each.reason) for each in dataset.excluded) == [
        ("1.wav", no_word),
        ("_background_noise_/brief.wav", "background noise of 0.01 s is less than a second"),
        ("_background_noise_/broken.wav", "the recording cannot be read: Format not recognised"),
        ("_extra_/1.wav", no_word),
        ("yes/1.m4a", "not a format that is read: convert 1.m4a to WAV or FLAC"),
        ("yes/\\udcff.wav", "its name is not UTF-8: rename it"),
        ("yes/more/1.wav", no_word),
    ]
    assert dataset.clips("training") == SpeechCommands(folder).clips("training")
    assert len(dataset.fingerprint()) == 64

from __future__ import annotations

import csv
import hashlib

import numpy as np
import pytest
import soundfile
from field_words import put, word

from harness.errors import UsageError
from harness.layout import RECORDINGS
from harness.sound.recording_scan import gather, speaker_of
from models.data.wav import write_wav


def reasons(folder) -> dict[str, str]:
    return {each.source: each.reason for each in gather(folder).excluded}


def manifest(folder, *rows: tuple[str, str], **changes: str) -> None:
    with (folder / "manifest.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "word", "source", "license", "sha256"])
        for name, said in rows:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            writer.writerow([name, said, said, "x", "CC0-1.0", changes.get("sha256", digest)])


def test_a_persons_own_folder_of_a_folder_a_word(tmp_path):
    put(tmp_path, "yes/1.wav", "no/1.wav")
    assert [(take.word, take.source, take.samples) for take in gather(tmp_path).takes] == [
        ("no", "no/1.wav", 16000),
        ("yes", "yes/1.wav", 16000),
    ]


def test_a_take_says_where_its_word_is(tmp_path):
    put(tmp_path, "yes/1.wav", onset_s=0.42, end_s=0.81)
    (take,) = gather(tmp_path).takes
    assert (take.onset / 16000, take.end / 16000) == pytest.approx((0.42, 0.81), abs=0.02)


def test_a_take_has_the_hash_of_its_file(tmp_path):
    put(tmp_path, "yes/1.wav")
    (take,) = gather(tmp_path).takes
    assert take.sha256 == hashlib.sha256((tmp_path / "yes" / "1.wav").read_bytes()).hexdigest()


def test_a_silent_recording_is_left_out(tmp_path):
    put(tmp_path, "yes/1.wav")
    write_wav(tmp_path / "yes" / "2.wav", np.zeros(16000, np.int16))
    assert reasons(tmp_path) == {"yes/2.wav": "silent: -101 dBFS"}


def test_a_recording_of_silence_is_meant_to_be_silent(tmp_path):
    put(tmp_path, "yes/1.wav", "silence/1.wav", level=0)
    put(tmp_path, "yes/1.wav")
    assert [take.word for take in gather(tmp_path).takes] == ["silence", "yes"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seconds": 0.12, "onset_s": 0.0}, "too short: 0.12 s"),
        ({"onset_s": 0.3, "end_s": 0.34}, "silent but for 0.06 s: a click, or a word cut off"),
    ],
)
def test_what_is_too_short_for_a_word_is_left_out(tmp_path, changes, reason):
    put(tmp_path, "yes/1.wav")
    put(tmp_path, "yes/2.wav", **changes)
    assert reasons(tmp_path) == {"yes/2.wav": reason}


@pytest.mark.parametrize("name", ["1.wav", "2024_03.wav", "_.wav"])
def test_a_file_whose_name_says_no_word_is_left_out(tmp_path, name):
    put(tmp_path, "yes/1.wav", name)
    assert reasons(tmp_path)[name].startswith("no word: ")


def test_a_row_without_a_word_is_left_out(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    manifest(tmp_path, ("a.wav", "yes"), ("b.wav", ""))
    assert reasons(tmp_path) == {"b.wav": "no word: the manifest leaves it out"}


def test_background_noise_of_speech_commands_is_no_word(tmp_path):
    put(tmp_path, "yes/0a7c2a8d_nohash_0.wav", "_background_noise_/dishes.wav")
    assert reasons(tmp_path) == {"_background_noise_/dishes.wav": "no word: it is background noise"}


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x24\x00\x00\x00WAVE"])
def test_a_file_that_cannot_be_read_is_left_out(tmp_path, content):
    put(tmp_path, "yes/1.wav")
    (tmp_path / "yes" / "2.wav").write_bytes(content)
    assert reasons(tmp_path)["yes/2.wav"].startswith("the recording ")


def test_clipping_is_noted(tmp_path):
    put(tmp_path, "yes/1.wav", level=32767)
    sound = word(level=60000).astype(float)
    write_wav(tmp_path / "yes" / "1.wav", np.clip(sound * 2, -32768, 32767).astype(np.int16))
    (note,) = gather(tmp_path).notes
    assert note.startswith("yes/1.wav: clipped in ")


def test_a_peak_at_full_scale_is_not_clipped(tmp_path):
    sound = word()
    sound[8000] = 32767
    put(tmp_path, "yes/1.wav")
    write_wav(tmp_path / "yes" / "1.wav", sound)
    assert gather(tmp_path).notes == ()


def test_another_rate_is_noted_and_its_places_are_at_16_khz(tmp_path):
    time_s = np.arange(44100) / 44100
    sound = np.where((time_s > 0.3) & (time_s < 0.7), 0.3 * np.sin(2 * np.pi * 440 * time_s), 0)
    soundfile.write(tmp_path / "yes_1.wav", np.stack([sound, sound], 1), 44100, subtype="PCM_16")
    gathered = gather(tmp_path)
    assert gathered.notes == ("yes_1.wav: mean of 2 channels, resampled from 44,100 Hz",)
    assert gathered.takes[0].samples == 16000
    assert gathered.takes[0].onset / 16000 == pytest.approx(0.3, abs=0.02)


def test_a_word_that_does_not_stand_out_is_noted(tmp_path):
    put(tmp_path, "yes/1.wav", onset_s=0, end_s=1)
    (note,) = gather(tmp_path).notes
    assert "does not stand out" in note


def test_a_file_other_than_the_manifests_is_an_error(tmp_path):
    put(tmp_path, "a.wav")
    manifest(tmp_path, ("a.wav", "yes"), sha256="0" * 64)
    with pytest.raises(UsageError, match=r"sha256 differs.*a\.wav"):
        gather(tmp_path)


def test_what_a_manifest_does_not_list_is_left_out(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    manifest(tmp_path, ("a.wav", "yes"))
    assert reasons(tmp_path) == {"b.wav": "not listed: the manifest does not name it"}


def test_what_lies_too_deep_is_left_out(tmp_path):
    put(tmp_path, "yes/1.wav", "yes/monday/1.wav")
    assert reasons(tmp_path) == {"yes/monday/1.wav": "no word: it lies deeper than in a folder of its word"}


def test_another_kind_of_sound_file_is_left_out(tmp_path):
    put(tmp_path, "yes/1.wav")
    (tmp_path / "yes" / "2.M4A").write_bytes(b"")
    assert reasons(tmp_path) == {"yes/2.M4A": "no WAV file: convert the m4a to one"}


def test_nothing_usable_is_an_error_with_the_reasons(tmp_path):
    put(tmp_path, "yes/1.wav", level=0)
    with pytest.raises(UsageError, match=r"none of 1 recordings can be used \(yes/1.wav: silent"):
        gather(tmp_path)


def test_training_recordings_of_speech_commands_are_noted(tmp_path):
    put(tmp_path, *[f"yes/{number:08x}_nohash_0.wav" for number in range(20)])
    (note,) = gather(tmp_path).notes
    assert "belong by their names to the training" in note


def test_it_stops_when_there_are_enough(tmp_path):
    put(tmp_path, "yes/1.wav", "yes/2.wav", "yes/3.wav")
    assert len(gather(tmp_path, at_most=2).takes) == 2


def test_all_default_recordings_are_usable():
    gathered = gather(RECORDINGS)
    assert gathered.excluded == ()
    assert {"andy", "annie", "linda"} <= {take.speaker for take in gathered.takes}


@pytest.mark.parametrize(
    ("source", "said", "speaker"),
    [
        ("yes/0a7c2a8d_nohash_0.wav", "yes", "0a7c2a8d"),
        ("yes/anna.wav", "yes", "anna"),
        ("yes/anna_2.wav", "yes", "anna"),
        ("yes/anna-b 03.wav", "yes", "anna-b"),
        ("yes_anna_2.wav", "yes", "anna"),
        ("Yes_anna.wav", "yes", "anna"),
        ("yes/2.wav", "yes", ""),
        ("yes_2.wav", "yes", ""),
        ("yes.wav", "yes", ""),
        ("yes/yes_2.wav", "yes", ""),
    ],
)
def test_a_name_tells_the_speaker_or_does_not(source, said, speaker):
    assert speaker_of(source, said) == speaker

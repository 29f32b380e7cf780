from __future__ import annotations

import hashlib

import numpy as np
import pytest
import soundfile
from plan_words import put, word, write_manifest

from harness.errors import UsageError
from harness.layout import RECORDINGS
from harness.sound import sound_files
from harness.sound.recording_scan import read_recordings, scan_recordings
from harness.sound.recordings import speaker_of
from models import store
from models.data import wav
from models.data.wav import write_wav


def reasons(folder) -> dict[str, str]:
    return {each.source: each.reason for each in scan_recordings(folder).excluded}


def test_a_usable_recording_has_word_place_and_hash(tmp_path):
    put(tmp_path, "yes/1.wav", "no/1.wav", onset_s=0.42, end_s=0.81)
    no, yes = scan_recordings(tmp_path).usable
    assert (no.word, yes.word, yes.source, yes.samples) == ("no", "yes", "yes/1.wav", 16000)
    assert (yes.onset / 16000, yes.end / 16000) == pytest.approx((0.42, 0.81), abs=0.02)
    assert yes.sha256 == hashlib.sha256((tmp_path / "yes" / "1.wav").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"level": 0.0}, "silent: -101 dBFS"),
        ({"seconds": 0.12, "onset_s": 0.0}, "too short: 0.12 s"),
        ({"onset_s": 0.3, "end_s": 0.34}, "silent except for 0.06 s: a click, or a cut-off word"),
    ],
)
def test_a_recording_without_a_whole_word_is_excluded(tmp_path, changes, reason):
    put(tmp_path, "yes/1.wav")
    put(tmp_path, "yes/2.wav", **changes)
    assert reasons(tmp_path) == {"yes/2.wav": reason}


def test_a_sound_under_two_labels_is_excluded(tmp_path):
    put(tmp_path, "yes/1.wav", "no/1.wav", "cat/1.wav", "dog/1.wav")
    for name in ("no/2.wav", "yes/2.wav"):
        (tmp_path / name).write_bytes((tmp_path / "yes" / "1.wav").read_bytes())
    (tmp_path / "dog" / "2.wav").write_bytes((tmp_path / "cat" / "1.wav").read_bytes())
    scan = scan_recordings(tmp_path, ("silence", "unknown", "yes", "no"))
    assert {each.source: each.reason for each in scan.excluded} == {
        "no/2.wav": "the same sound has another label as yes/1.wav",
        "yes/1.wav": "the same sound has another label as no/2.wav",
        "yes/2.wav": "the same sound has another label as no/2.wav",
    }
    played = ["cat/1.wav", "dog/1.wav", "dog/2.wav", "no/1.wav"]
    assert [each.source for each in scan.usable] == played, "cat and dog are both unknown"


def test_a_recording_of_silence_may_be_silent(tmp_path):
    put(tmp_path, "silence/1.wav", level=0)
    assert [each.word for each in scan_recordings(tmp_path).usable] == ["silence"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("1.wav", "no word in its name"),
        ("2024_03.wav", "no word in its name"),
        ("_.wav", "no word in its name"),
        ("_background_noise_/dishes.wav", "no word: it is background noise"),
        ("yes/monday/1.wav", "no word: it is not directly in the folder of a word"),
        ("yes/2.M4A", "not a format that is read: convert 2.M4A to WAV or FLAC"),
    ],
)
def test_a_file_without_a_word_is_excluded(tmp_path, name, reason):
    put(tmp_path, "yes/1.wav", "x.wav")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "x.wav").rename(tmp_path / name)
    assert reasons(tmp_path)[name].startswith(reason)


def test_a_manifest_decides_what_is_played(tmp_path):
    put(tmp_path, "a.wav", "b.wav", "c.wav")
    write_manifest(tmp_path, ("a.wav", "yes"), ("b.wav", ""))
    assert reasons(tmp_path) == {"b.wav": "no word in the manifest", "c.wav": "not listed in the manifest"}


def test_clipping_is_noted_from_the_third_sample_on(tmp_path):
    sound = word()
    put(tmp_path, "yes/1.wav", "yes/2.wav")
    sound[8000:8002] = 32767
    write_wav(tmp_path / "yes" / "1.wav", sound)
    sound[8002] = 32767
    write_wav(tmp_path / "yes" / "2.wav", sound)
    assert scan_recordings(tmp_path).notes == ("yes/2.wav: clipped in 3 samples",)


def test_places_in_a_converted_recording_are_at_16_khz(tmp_path):
    time_s = np.arange(44100) / 44100
    sound = np.where((time_s > 0.3) & (time_s < 0.7), 0.3 * np.sin(2 * np.pi * 440 * time_s), 0)
    soundfile.write(tmp_path / "yes_1.wav", np.stack([sound, sound], 1), 44100, subtype="PCM_16")
    scan = scan_recordings(tmp_path)
    assert scan.notes == ("yes_1.wav: mean of 2 channels, resampled from 44,100 Hz",)
    assert scan.usable[0].samples == 16000
    assert scan.usable[0].onset / 16000 == pytest.approx(0.3, abs=0.02)


def test_a_word_that_does_not_stand_out_is_noted(tmp_path):
    put(tmp_path, "yes/1.wav", onset_s=0, end_s=1)
    (note,) = scan_recordings(tmp_path).notes
    assert "does not stand out" in note


def test_a_folder_without_usable_recordings_is_refused_with_the_reasons(tmp_path):
    put(tmp_path, "yes/1.wav", level=0)
    with pytest.raises(UsageError, match=r"none of 1 recordings can be used \(yes/1.wav: silent"):
        scan_recordings(tmp_path)


def test_training_recordings_of_speech_commands_are_noted(tmp_path):
    put(tmp_path, *[f"yes/{number:08x}_nohash_0.wav" for number in range(20)])
    (note,) = scan_recordings(tmp_path).notes
    assert "in the training or validation set by the folder's lists or by their names" in note
    names = "\n".join(f"yes/{number:08x}_nohash_0.wav" for number in range(17))
    (tmp_path / "testing_list.txt").write_text(names)
    (note,) = scan_recordings(tmp_path).notes
    assert note.startswith("3 of 20 recordings are in the training")


def test_a_recording_is_decoded_and_hashed_once_until_it_is_written_to(tmp_path, monkeypatch):
    read, hashed = [], []
    monkeypatch.setattr(sound_files, "read_wav", lambda path: read.append(path) or wav.read_wav(path))
    monkeypatch.setattr(sound_files, "sha256_of", lambda path: hashed.append(path) or store.sha256_of(path))
    file = put(tmp_path, "yes/a.wav") / "yes" / "a.wav"
    scan_recordings(tmp_path)
    for _ in range(2):
        (recording,) = read_recordings(tmp_path, ["yes"]).recordings
    assert read == hashed == [file]
    put(tmp_path, "yes/a.wav", seconds=2.0)
    (changed,) = read_recordings(tmp_path, ["yes"]).recordings
    assert len(changed.samples) == 2 * len(recording.samples)
    assert read == hashed == [file, file]


def test_the_scan_stops_at_the_requested_number(tmp_path):
    put(tmp_path, "yes/1.wav", "yes/2.wav", "yes/3.wav")
    assert len(scan_recordings(tmp_path, at_most=2).usable) == 2


def test_all_default_recordings_are_usable():
    scan = scan_recordings(RECORDINGS)
    assert scan.excluded == ()
    assert {"andy", "annie", "linda"} <= {each.speaker for each in scan.usable}


@pytest.mark.parametrize(
    ("source", "speaker"),
    [
        ("yes/0a7c2a8d_nohash_0.wav", "0a7c2a8d"),
        ("yes/anna.wav", "anna"),
        ("yes/anna_2.wav", "anna"),
        ("yes/anna-b 03.wav", "anna-b"),
        ("yes_anna_2.wav", "anna"),
        ("Yes_anna.wav", "anna"),
        ("yes-anna 2.wav", "anna"),
        ("Copy of yes (2).wav", ""),
        ("yes - Copy (3).wav", ""),
        ("yes/s01_take2.wav", "s01-take"),
        ("yes/2.wav", ""),
        ("yes_2.wav", ""),
        ("yes.wav", ""),
        ("yes/yes_2.wav", ""),
    ],
)
def test_the_speaker_is_read_from_the_file_name(source, speaker):
    assert speaker_of(source, "yes") == speaker

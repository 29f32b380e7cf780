from __future__ import annotations

import contextlib
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulse import DEVICE
from reported import reported

from harness.errors import AcousticFailed, SoundGap, UsageError
from harness.layout import RECORDINGS
from harness.sound import recorder
from harness.sound.devices import Device
from harness.sound.microphone import Microphone
from harness.sound.recorder import play, record, trimmed
from harness.sound.recording_scan import read_recordings
from harness.sound.recordings import add_to_manifest
from models.data.dataset import SpeechCommands
from models.data.wav import read_wav, write_wav

RATE_HZ = 16_000


def take(gain: float = 1.0, start: int = 9000, noise: float = 10.0, seconds: float = 2.0) -> np.ndarray:
    """Put a spoken word of 0.6 s into a take."""
    word = read_wav(RECORDINGS / "yes" / "gene.wav")[0][3000:13_000].astype(float)
    sound = np.random.default_rng(1).standard_normal(round(seconds * RATE_HZ)) * noise
    sound[start : start + len(word)] += gain * word
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


@settings(max_examples=20)
@given(start=st.integers(0, 2 * RATE_HZ - 10_000), gain=st.floats(0.2, 1.0))
def test_a_take_is_trimmed_around_its_word(start, gain):
    whole = take(gain, start)
    kept = trimmed(whole)
    assert RATE_HZ <= len(kept) <= 1.4 * RATE_HZ
    assert np.sum(kept.astype(float) ** 2) > 0.99 * np.sum(whole.astype(float) ** 2)


def test_a_word_longer_than_a_second_is_kept_whole():
    tone = np.rint(8000 * np.sin(np.arange(24_000))).astype(np.int16)
    kept = trimmed(np.concatenate((np.zeros(8000, np.int16), tone, np.zeros(8000, np.int16))))
    assert 24_000 + 0.35 * RATE_HZ < len(kept) < 24_000 + 0.45 * RATE_HZ


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (take(gain=0.0), "silent"),
        (take(gain=0.005, noise=0), "silent"),
        (take(gain=20.0), "clipped in"),
        (take(gain=0.3, noise=2000), "no word stands out"),
        (np.full(32_000, 3000, np.int16), "fills the whole take"),
    ],
)
def test_an_unusable_take_is_refused_with_the_reason(samples, reason):
    with pytest.raises(AcousticFailed, match=reason) as refusal:
        trimmed(samples)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("label", "takes", "seconds"),
    [
        ("../yes", 1, 2),
        ("", 1, 2),
        ("..", 1, 2),
        ("yes\0", 1, 2),
        ("no\\yes", 1, 2),
        ("yes", 0, 2),
        ("yes", 1, 0.5),
        ("yes", 1, 601),
        ("yes", 1, float("nan")),
    ],
)
def test_an_impossible_recording_is_refused(tmp_path, label, takes, seconds):
    with pytest.raises(UsageError):
        record(label, tmp_path, DEVICE, takes, seconds)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_cannot_be_played(tmp_path):
    with pytest.raises(UsageError, match="nothing to play"):
        play([tmp_path], None)


def test_broken_files_are_reported_and_none_is_left_to_play(tmp_path):
    write_wav(recorded(tmp_path, "yes/cut.WAV"), take())
    (tmp_path / "yes" / "cut.WAV").write_bytes((tmp_path / "yes" / "cut.WAV").read_bytes()[:9000])
    for name in ("yes/1.m4a", "yes/._2.wav"):
        (tmp_path / name).write_text("no sound")
    with reported() as lines, pytest.raises(UsageError, match="nothing to play"):
        play([tmp_path], None)
    assert [line.partition(":")[0] for line in lines] == ["yes/1.m4a is not used", "cut.WAV is not used"]


def recorded(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, np.roll(take(), len(name)))  # a file for each word
    return path


def test_a_recording_added_to_a_manifest_reads_back_after_the_others(tmp_path):
    assert add_to_manifest(tmp_path, recorded(tmp_path, "no/a.wav"), "no", 'a "quoted", name')
    before = (tmp_path / "manifest.csv").read_text()
    assert add_to_manifest(tmp_path, recorded(tmp_path, "yes/b.wav"), "yes", "desk")
    assert (tmp_path / "manifest.csv").read_text().startswith(before)
    found = read_recordings(tmp_path, ("yes", "no")).recordings
    assert [(one.label, one.source) for one in found] == [("no", "no/a.wav"), ("yes", "yes/b.wav")]


def test_no_manifest_is_started_in_a_folder_with_recordings(tmp_path):
    recorded(tmp_path, "No/a.WAV")
    assert not add_to_manifest(tmp_path, recorded(tmp_path, "yes/b.wav"), "yes", "desk")
    assert len(read_recordings(tmp_path, ("yes", "no")).recordings) == 2


def test_a_manifest_without_a_needed_column_is_not_changed(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,word\n")
    with pytest.raises(UsageError, match="needs each of the columns"):
        add_to_manifest(tmp_path, recorded(tmp_path, "yes/b.wav"), "yes", "desk")
    assert (tmp_path / "manifest.csv").read_text() == "path,word\n"


def test_the_meter_shows_level_and_clipping_in_a_terminal(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    recorder._meter(np.full(1600, 3277, np.int16))
    soft = terminal.getvalue()
    recorder._meter(np.full(1600, 32_767, np.int16))
    assert "-20.0 dBFS" in soft and "!" not in soft and soft.count("█") == 20
    assert terminal.getvalue()[len(soft) :].count("█") == 30 and terminal.getvalue().endswith("!")


class StubMicrophone:
    """A microphone that hears one take after another, and stops after the last."""

    name = "stub"

    def __init__(self, *takes: np.ndarray) -> None:
        self._takes = list(takes)
        self.has_stopped = False

    def record(self, seconds: float, watch) -> np.ndarray:
        if not self._takes:
            self.has_stopped = True
            raise AcousticFailed("the microphone delivers nothing")
        return self._takes.pop(0)


@pytest.mark.parametrize(
    ("takes", "problem", "repeats"),
    [([take(gain=0)] * 9, "silent", 3), ([take(gain=0), take(gain=20)], "delivers nothing", 2)],
)
def test_unusable_takes_are_repeated_three_times(monkeypatch, tmp_path, takes, problem, repeats):
    monkeypatch.setattr(recorder, "_COUNTDOWN_S", 0)
    monkeypatch.setattr(recorder, "Microphone", lambda device: StubMicrophone(*takes))
    with reported() as lines, pytest.raises(AcousticFailed, match=problem):
        record("yes", tmp_path, None, 2, 2.0)
    assert sum("refused" in line for line in lines) == repeats
    assert not list(tmp_path.rglob("*.wav"))


def test_a_folder_that_cannot_be_made_is_told_before_a_take(monkeypatch, tmp_path):
    monkeypatch.setattr(recorder, "Microphone", lambda device: StubMicrophone())
    (tmp_path / "yes").write_text("mine")
    with reported() as lines, pytest.raises(FileExistsError, match="yes"):
        record("yes", tmp_path, None, 1, 2.0)
    assert not any("speak now" in line for line in lines)


def test_recordings_of_speakers_and_noise_are_a_dataset(monkeypatch, tmp_path):
    monkeypatch.setattr(recorder, "_COUNTDOWN_S", 0)
    for word, speaker, sound in (
        ("yes", "anna", take()),
        ("no", "anna", take() // 2),
        ("yes", "ben", take()),
        ("_background_noise_", "", take(gain=0)),
    ):
        takes = [sound] * (1 if word[0] == "_" else 2)
        monkeypatch.setattr(recorder, "Microphone", lambda device, takes=takes: StubMicrophone(*takes))
        record(word, tmp_path, None, len(takes), 2.0, speaker)
    dataset = SpeechCommands(tmp_path)
    assert dataset.words == {
        "no": ["no/anna_nohash_1.wav", "no/anna_nohash_2.wav"],
        "yes": [f"yes/{name}_nohash_{number}.wav" for name in ("anna", "ben") for number in (1, 2)],
    }
    assert len(dataset.noises[0]) == 2 * RATE_HZ
    assert (
        len({dataset.split_of(key) for keys in dataset.words.values() for key in keys if "anna" in key}) == 1
    )
    assert len(read_recordings(tmp_path, ("yes", "no")).recordings) == 6


def test_a_speaker_that_cannot_be_in_a_name_is_refused(tmp_path):
    with pytest.raises(UsageError, match="speaker's name"):
        record("yes", tmp_path, None, 1, 2.0, "../anna")


def test_a_take_that_lost_samples_is_refused_and_the_microphone_goes_on(monkeypatch):
    @contextlib.contextmanager
    def late(callback, blocksize, **_):
        for number in range(RATE_HZ // 10 // blocksize):
            block = np.ones((blocksize, 1), np.int16)
            callback(block, blocksize, None, SimpleNamespace(input_overflow=number == 0))
        yield

    monkeypatch.setattr("sounddevice.InputStream", late)
    monkeypatch.setattr("sounddevice.check_input_settings", lambda *_, **__: None)
    monkeypatch.setattr("harness.sound.microphone.find_device", lambda *_: Device(0, "desk", 1, RATE_HZ))
    microphone = Microphone(None)
    with pytest.raises(SoundGap, match=r"gaps \(1\): the host was late"):
        microphone.record(0.1, lambda block: None)
    assert not microphone.has_stopped


def test_a_spoken_word_is_recorded(sink, child, tmp_path):
    playing = sink.play(np.tile(take(0.5, seconds=1.4, start=4000), 60))
    outcome = child("record", str(tmp_path), DEVICE)
    sink.end(playing)
    assert "pulse" in outcome.get("result", [""])[0], outcome
    (recording,) = read_recordings(tmp_path, ("yes", "no")).recordings
    assert recording.source == "yes/yes_1.wav"
    spectrum = np.abs(np.fft.rfft(recording.samples.astype(float), 32_768))
    expected = np.abs(np.fft.rfft(take(0.5, seconds=1.4, start=4000).astype(float), 32_768))
    assert np.corrcoef(spectrum[200:12_000], expected[200:12_000])[0, 1] > 0.5


def test_a_missing_microphone_is_refused_with_the_available_ones(child, tmp_path):
    outcome = child("record", str(tmp_path), "Studio")
    assert outcome["problem"] == "AcousticFailed"
    assert "'Studio'" in outcome["message"] and "'pulse'" in outcome["message"]


def test_recordings_are_played_and_their_level_is_logged(sink, child, tmp_path):
    recorded(tmp_path, "yes/a.wav")
    answer, captured = child.heard(sink, "play_folder", str(tmp_path))
    (line,) = answer["result"]
    assert "2.00 s, speech -2" in line
    energy = np.sum(captured.astype(float) ** 2)
    assert energy == pytest.approx(np.sum(take().astype(float) ** 2), rel=0.1)

"""Live sessions whose microphone is as fast as the board, and the search for lost samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from harness.boards.emulated import EmulatedBoard
from harness.errors import AcousticFailed
from harness.firmware.engine import get_engine
from harness.link.events import End, Inference
from harness.live_view import LiveView
from harness.measure.live import LiveSession
from harness.sound import microphone
from harness.sound.devices import Device, accepted_format
from harness.sound.microphone import Capture, Loss
from models.data.wav import read_wav

LABELS = ("silence", "unknown", "yes", "no")
NO_LOSS = SimpleNamespace(input_overflow=False)
LOSS = SimpleNamespace(input_overflow=True)
DESK = Device(0, "desk", 1, 48_000)


class Sound:
    """A microphone that delivers a sound in blocks of 882 frames, and ends there or stops."""

    def __init__(self, sound: np.ndarray, rate_hz: int = 16_000, stops: bool = False) -> None:
        self.sound, self.rate_hz, self.stops = sound, rate_hz, stops

    @contextmanager
    def capture(self) -> Iterator[Capture]:
        capture = Capture(DESK, self.rate_hz)
        for start in range(0, len(self.sound), 882):
            block = self.sound[start : start + 882, np.newaxis]
            capture.take(block, len(block), None, NO_LOSS)
        if not self.stops:
            capture.end()
        yield capture


@pytest.fixture(scope="module")
def board(model) -> Iterator[EmulatedBoard]:
    with EmulatedBoard() as board:
        board.upload(board.build(model, get_engine("codegen")))
        yield board


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(1).integers(-3000, 3000, samples).astype(np.int16)


def test_the_board_hears_every_sample_that_is_kept(board, tmp_path):
    session = LiveSession(board, LABELS, Sound(noise(50_000)), tmp_path / "live.wav")
    events = list(session.events(board.open(tmp_path / "log")))
    kept, _ = read_wav(tmp_path / "live.wav")
    assert np.array_equal(kept, noise(50_000)[: 50_000 // 256 * 256])
    assert session.heard_samples == session.sound.samples == len(kept)
    assert isinstance(events[-1], End) and sum(isinstance(one, Inference) for one in events) > 100


def test_a_session_ends_at_its_length(board, tmp_path):
    session = LiveSession(board, LABELS, Sound(noise(50_000)), most_s=2.0)
    list(session.events(board.open(tmp_path / "log")))
    assert session.heard_samples == session.sound.samples == 32_000


def test_a_session_that_is_stopped_before_its_sound_begins_ends(board, tmp_path):
    session = LiveSession(board, LABELS, Sound(noise(0), stops=True))
    session.stop()
    assert [type(event) for event in session.events(board.open(tmp_path / "log"))] == [End]


def test_the_board_has_heard_everything_before_a_microphone_stopped(board, tmp_path, monkeypatch):
    monkeypatch.setattr(microphone, "_STALL_S", 0.1)
    session = LiveSession(board, LABELS, Sound(noise(16_000), stops=True))
    with pytest.raises(AcousticFailed, match="delivers nothing"):
        list(session.events(board.open(tmp_path / "log")))
    assert session.heard_samples == session.sound.samples == 16_000 // 256 * 256


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_a_microphone_of_another_rate_is_resampled_without_seams(rate_hz):
    at_s = np.arange(rate_hz) / rate_hz
    tone = np.rint(10_000 * np.sin(2 * np.pi * 700 * at_s)).astype(np.int16)
    with Sound(tone, rate_hz).capture() as capture:
        sound = np.concatenate(list(capture.blocks()))
    expected = 10_000 * np.sin(2 * np.pi * 700 * np.arange(16_000) / 16_000)
    assert len(sound) == 16_000
    assert np.abs(sound - expected)[200:-200].max() < 20


def test_a_microphone_that_takes_no_rate_is_refused_by_name(monkeypatch):
    def refuse(*_, **__):
        raise ValueError("Invalid sample rate")

    monkeypatch.setattr("sounddevice.check_input_settings", refuse)
    with pytest.raises(
        AcousticFailed, match="refuses 8,000 Hz and 16,000 Hz: Invalid sample rate"
    ) as refusal:
        accepted_format(Device(3, "old phone", 1, 8_000), "input", (8_000, 16_000))
    assert "old phone" in str(refusal.value)


def test_only_stereo_is_taken_if_there_is_no_mono(monkeypatch):
    def stereo(device, channels, *_, **__):
        if channels == 1:
            raise ValueError("Invalid number of channels")

    monkeypatch.setattr("sounddevice.check_input_settings", stereo)
    assert accepted_format(DESK, "input", (48_000, 16_000)) == (48_000, 2)


def losses_of(monkeypatch, seconds: float, lost: dict[int, int], drift: float = 0.0) -> list[microphone.Loss]:
    """Deliver blocks of 20 ms in time, but none from some numbers of block on for some blocks."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(microphone.time, "monotonic", lambda: clock.now)
    capture, missing = Capture(DESK, 16_000), {at + n for at, count in lost.items() for n in range(count)}
    for number in range(round(seconds / 0.02)):
        clock.now += 0.02 * (1 + drift)
        if number not in missing:
            capture.take(np.zeros((320, 1), np.int16), 320, None, NO_LOSS)
    return capture.losses


def test_samples_that_never_come_are_a_loss(monkeypatch):
    (loss,) = losses_of(monkeypatch, 30, {500: 50})
    assert loss.seconds == pytest.approx(1.0) and 10 < loss.at_s <= 20
    assert str(loss).startswith("the microphone lost 1.0 s of sound at 1")


def test_a_clock_that_drifts_is_no_loss(monkeypatch):
    assert losses_of(monkeypatch, 600, {}, drift=0.001) == []


def test_an_overflow_that_the_device_reports_is_a_loss():
    capture = Capture(DESK, 16_000)
    capture.take(np.zeros((16_000, 1), np.int16), 16_000, None, NO_LOSS)
    capture.take(np.zeros((320, 1), np.int16), 320, None, LOSS)
    assert [str(loss) for loss in capture.losses] == [
        "the microphone lost samples at 1.0 s: the host was late for it"
    ]


def test_the_view_tells_a_loss_of_the_microphone_once(board, tmp_path, capsys):
    sound = Sound(noise(8_000))
    session, view = LiveSession(board, LABELS, sound), LiveView()
    for number, event in enumerate(session.events(board.open(tmp_path / "log"))):
        if number == 3:
            session.sound.capture.losses.append(Loss(0.2))
        view.show(session, event, "")
    shown = capsys.readouterr().out
    assert shown.count("the microphone lost samples at 0.2 s: the host was late for it") == 1
    assert "scores: silence " in shown and "dBFS" in shown

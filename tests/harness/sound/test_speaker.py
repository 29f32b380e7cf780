"""Playback: the stream's callback alone, and real streams into a null sink."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from pulse import DEVICE
from scipy import signal
from sound_child import tone

from harness.errors import AcousticFailed
from harness.sound.devices import Device, resampled
from harness.sound.speaker import _Playing

SOUND = np.random.default_rng(4).integers(-9000, 9000, 20_000).astype(np.int16)
IN_TIME, LATE = SimpleNamespace(output_underflow=False), SimpleNamespace(output_underflow=True)


def playing_of(lead_frames: int = 0) -> _Playing:
    return _Playing(Device(0, "desk", 2, 16_000), 16_000, lead_frames)


def fill(playing: _Playing, frames: int, status=IN_TIME) -> np.ndarray:
    """Call back for a buffer; the buffer stays full of 1 where the callback writes nothing."""
    out = np.ones((frames, 2), np.int16)
    try:
        playing._fill(out, frames, None, status)
    except Exception:  # sounddevice's signals to its stream
        playing._end()
    return out


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(0, 4000), max_size=8), frames=st.integers(100, 3000))
def test_all_sound_is_played_in_order_between_silence(sizes, frames):
    playing, out = playing_of(lead_frames=1000), []
    ends = np.minimum(np.cumsum(sizes, dtype=int), len(SOUND))
    for chunk in playing._chunks(np.split(SOUND, ends)):
        while playing._queue.full():
            out.append(fill(playing, frames))
        playing._queue.put(chunk)
    while not playing._ended.is_set():
        out.append(fill(playing, frames))
    left, right = np.concatenate(out).T
    assert np.array_equal(left, right)
    assert np.array_equal(left[1000:21_000], SOUND)
    assert not left[:1000].any() and not left[21_000:].any()
    playing._queue_all(iter(()))
    assert playing._played_samples == len(SOUND)


def gap_of(playing: _Playing) -> str:
    with pytest.raises(AcousticFailed, match="the sound has a gap") as failure:
        playing._queue_all(iter(()))
    return str(failure.value)


def test_a_late_source_is_an_underflow():
    playing = playing_of()
    playing._queue.put(SOUND[:800])
    assert not fill(playing, 1000)[800:].any()
    assert "the sound was not made in time, after 0.05 s of sound (desk)" in gap_of(playing)


def test_a_late_host_is_an_underflow_once_the_sound_has_begun():
    playing = playing_of(lead_frames=800)
    for start in (0, 800, 1600):
        playing._queue.put(SOUND[start : start + 800])
    for _ in range(2):
        fill(playing, 800, LATE)
    assert not playing._ended.is_set(), "it is harmless in the silence before the sound"
    fill(playing, 800, LATE)
    assert "the host was late for the output device" in gap_of(playing)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_blocks_are_resampled_like_one_piece(rate_hz):
    smooth = np.convolve(SOUND, np.ones(8) / 8, "same").astype(np.int16)
    blocks = [smooth[start : start + 777] for start in range(0, len(smooth), 777)]
    found = np.concatenate(list(resampled(blocks, 16_000, rate_hz)))
    expected = soxr.resample(smooth, 16_000, rate_hz)
    assert abs(len(found) - len(expected)) <= 1
    shared = min(len(found), len(expected))
    assert np.abs(found[:shared].astype(int) - expected[:shared]).max() <= 2


def similarity(captured: np.ndarray, part: np.ndarray) -> tuple[int, float]:
    """Return the position of a sound in a captured one, and the correlation coefficient there."""
    captured, part = captured.astype(float), part.astype(float)
    found = signal.correlate(captured, part, "valid")
    at = int(found.argmax())
    return at, found[at] / np.linalg.norm(part) / np.linalg.norm(captured[at : at + len(part)])


def test_a_played_sound_arrives_at_its_level_and_without_a_gap(sink, child):
    sound = tone(2.0)
    answer, captured = child.heard(sink, "play", "whole", DEVICE)
    assert answer == {"result": 32_000}
    at, coefficient = similarity(captured, sound)
    assert coefficient > 0.98
    level = np.sqrt(np.mean(captured[at : at + 32_000].astype(float) ** 2))
    assert level == pytest.approx(10_000 / np.sqrt(2), rel=0.03)
    starts = [
        similarity(captured, sound[begin : begin + 4000])[0] - begin for begin in range(0, 32_000, 4000)
    ]
    assert max(starts) - min(starts) <= 1


@pytest.mark.parametrize(
    ("sound", "device", "problem", "message"),
    [
        ("raising", DEVICE, "RuntimeError", "the chirp was not heard"),
        ("bytes_instead", DEVICE, "TypeError", "not uint8"),
        ("whole", "Living Room", "AcousticFailed", "'Living Room' (available: "),
        ("whole", "u", "AcousticFailed", "Multiple output devices found for 'u'"),  # pulse, default
    ],
)
def test_a_sound_that_cannot_be_played_is_refused_by_its_cause(child, sound, device, problem, message):
    outcome = child("play", sound, device)
    assert outcome["problem"] == problem
    assert message in outcome["message"]


def test_a_device_that_vanishes_ends_the_sound(vanishing):
    sink, child = vanishing
    child.send("play", "endless", DEVICE)
    with sink.listening() as captured:
        while not any(block.any() for block in captured):
            time.sleep(0.05)
        sink.daemon.kill()
    outcome = child.answer()
    assert outcome["problem"] == "AcousticFailed"
    assert "s of sound" in outcome["message"]

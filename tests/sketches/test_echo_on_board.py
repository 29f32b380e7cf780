"""The echo on the emulated board."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from host_library import STORE
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.errors import ProtocolError
from harness.link.events import Detection, Event, Inference, Loss, Overrun, Pcm

pytestmark = pytest.mark.emulated

ECHOED = 2 * 16_000  # whole buffers: slices after it become complete when they do without it


STAGE_TIMES = ("preprocess_us", "inference_us", "postprocess_us")


def without_times(event: Event) -> Event:
    """Remove times and sequence numbers from an event."""
    times = {"device_ms": 0} if isinstance(event, Inference | Detection) else {}
    stages = dict.fromkeys(STAGE_TIMES, 0) if isinstance(event, Inference) else {}
    return dataclasses.replace(event, at_s=0.0, sequence=0, **times, **stages)


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    """Return a function that plays a sound with a number of echoed samples, and returns the events."""
    folder = tmp_path_factory.mktemp("echo")
    with EmulatedBoard(STORE) as board:
        board.upload(board.build(tiny_model(folder / "model"), TinyEngine()))
        device = board.open(folder / "transcript")
        yield lambda sound, echoed: list(device.listen(lambda: board.listen(sound), echo_samples=echoed))


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Noise, then silence, then a tone that the tiny engine classifies as "yes"."""
    noise = np.random.default_rng(1).integers(-32768, 32768, ECHOED, np.int16)
    tone = (300 * np.sin(2 * np.pi * 1200 / 16_000 * np.arange(32_000))).astype(np.int16)
    return np.concatenate([noise, np.zeros(16_000, np.int16), tone])


@pytest.fixture(scope="module")
def echoing(listening, sound) -> list[Event]:
    return listening(sound, ECHOED)


def test_the_echo_equals_the_played_samples(echoing, sound):
    echo = np.frombuffer(b"".join(event.samples for event in echoing if isinstance(event, Pcm)), "<i2")
    np.testing.assert_array_equal(echo, sound[:ECHOED])


def test_every_block_has_its_position_and_time(echoing):
    blocks = [event for event in echoing if isinstance(event, Pcm)]
    assert [event.first_sample for event in blocks] == list(range(0, ECHOED, 64))
    for event in blocks:
        complete_ms = (event.first_sample // 256 + 1) * 16  # the microphone's buffer that it lies in
        assert complete_ms <= event.device_ms <= complete_ms + 2


def test_nothing_is_lost(echoing):
    assert not [event for event in echoing if isinstance(event, Loss | Overrun)]


def test_events_after_the_echo_equal_those_without_an_echo(echoing, listening, sound):
    after = [event for event in echoing if not isinstance(event, Pcm)]
    alone = listening(sound[ECHOED:], 0)
    assert [*map(without_times, after)] == [*map(without_times, alone)]
    assert sum(isinstance(event, Detection) for event in after) == 1
    for event, expected in zip(after, alone, strict=True):
        # Clocks count whole ms and µs, and the two streams began at different fractions of them.
        if isinstance(event, Inference | Detection):
            assert abs(event.device_ms - ECHOED / 16 - expected.device_ms) <= 1
        if isinstance(event, Inference):
            assert all(abs(getattr(event, name) - getattr(expected, name)) <= 1 for name in STAGE_TIMES)


def test_the_modeled_cache_cannot_be_switched(tmp_path):
    with EmulatedBoard(STORE) as board:
        board.upload(board.build(tiny_model(tmp_path / "model"), TinyEngine()))
        device = board.open(tmp_path / "transcript")
        state = device.handshake().icache
        if state == "none":
            pytest.skip("this QEMU counts instructions: there is no cache")
        device.set_icache(state)
        with pytest.raises(ProtocolError, match=f"stays {state}"):
            device.set_icache("off" if state == "on" else "on")

"""The echo on the emulated board: sample for sample what was played, and no trace of it in what follows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.errors import ProtocolError
from harness.link.events import Detection, Event, Inference, Loss, Overrun, Pcm
from models.store import Store

pytestmark = pytest.mark.emulated

ECHOED = 2 * 16_000  # whole buffers: slices after it become complete when they do without it


STAGE_TIMES = ("preprocess_us", "inference_us", "postprocess_us")


def without_times(event: Event) -> Event:
    """The event as any other board clock and any other beginning of the stream would have it."""
    times = {"device_ms": 0} if isinstance(event, Inference | Detection) else {}
    stages = dict.fromkeys(STAGE_TIMES, 0) if isinstance(event, Inference) else {}
    return dataclasses.replace(event, at_s=0.0, sequence=0, **times, **stages)


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    """Lets a board listen to a sound: everything it says, by the number of samples it is to echo."""
    folder = tmp_path_factory.mktemp("echo")
    with EmulatedBoard(Store(folder / "store")) as board:
        board.upload(board.build(tiny_model(folder / "model"), TinyEngine()))
        device = board.open(folder / "transcript")
        yield lambda sound, echoed: list(device.listen(lambda: board.listen(sound), echo_samples=echoed))


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Noise, then silence, then a tone that the tiny engine takes for "yes"."""
    noise = np.random.default_rng(1).integers(-32768, 32768, ECHOED, np.int16)
    tone = (300 * np.sin(2 * np.pi * 1200 / 16_000 * np.arange(32_000))).astype(np.int16)
    return np.concatenate([noise, np.zeros(16_000, np.int16), tone])


@pytest.fixture(scope="module")
def echoing(listening, sound) -> list[Event]:
    return listening(sound, ECHOED)


def test_what_is_echoed_is_what_was_played(echoing, sound):
    echo = np.frombuffer(b"".join(event.samples for event in echoing if isinstance(event, Pcm)), "<i2")
    np.testing.assert_array_equal(echo, sound[:ECHOED])


def test_every_block_has_its_place_and_its_time(echoing):
    blocks = [event for event in echoing if isinstance(event, Pcm)]
    assert [event.first_sample for event in blocks] == list(range(0, ECHOED, 64))
    for event in blocks:
        complete_ms = (event.first_sample // 256 + 1) * 16  # the microphone's buffer that it lies in
        assert complete_ms <= event.device_ms <= complete_ms + 2


def test_nothing_is_lost(echoing):
    assert not [event for event in echoing if isinstance(event, Loss | Overrun)]


def test_after_the_echo_everything_is_as_without_the_sound_before(echoing, listening, sound):
    after = [event for event in echoing if not isinstance(event, Pcm)]
    alone = listening(sound[ECHOED:], 0)
    assert [*map(without_times, after)] == [*map(without_times, alone)]
    assert sum(isinstance(event, Detection) for event in after) == 1
    for event, expected in zip(after, alone, strict=True):
        # Clocks are read in whole ms and µs, and the two streams began at other fractions of those.
        if isinstance(event, Inference | Detection):
            assert abs(event.device_ms - ECHOED / 16 - expected.device_ms) <= 1
        if isinstance(event, Inference):
            assert all(abs(getattr(event, name) - getattr(expected, name)) <= 1 for name in STAGE_TIMES)


def test_the_cache_that_the_clock_assumes_cannot_be_switched(tmp_path):
    with EmulatedBoard(Store(tmp_path / "store")) as board:
        board.upload(board.build(tiny_model(tmp_path / "model"), TinyEngine()))
        device = board.open(tmp_path / "transcript")
        state = device.handshake().icache
        if state == "none":
            pytest.skip("instructions are counted here: there is no cache")
        device.set_icache(state)
        with pytest.raises(ProtocolError, match=f"stays {state}"):
            device.set_icache("off" if state == "on" else "on")

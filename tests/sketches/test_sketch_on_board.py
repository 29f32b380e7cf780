"""The sketch on the emulated board: the front end with the Cortex-M4's instructions, and the echo."""

from __future__ import annotations

import numpy as np
import pytest
from host_library import STORE
from sounds import SOUNDS
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.errors import ProtocolError
from harness.link.events import Detection, End, Event, Loss, Overrun, Pcm
from models.data.features import feature_crc, micro_features

pytestmark = pytest.mark.emulated

ECHOED = 2 * 16_000  # whole buffers: slices after it become complete when they do without it


@pytest.fixture(scope="module")
def board_and_device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    with EmulatedBoard(STORE) as board:
        board.upload(board.build(tiny_model(folder / "model"), TinyEngine()))
        yield board, board.open(folder / "transcript")


@pytest.mark.parametrize("name", SOUNDS)
def test_a_clip_equals_tensorflow(board_and_device, name):
    _, device = board_and_device
    assert device.load_clip(SOUNDS[name]) == feature_crc(micro_features(SOUNDS[name]))


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Noise, then silence, then a tone that the tiny engine classifies as "yes"."""
    noise = np.random.default_rng(1).integers(-32768, 32768, ECHOED, np.int16)
    tone = (300 * np.sin(2 * np.pi * 1200 / 16_000 * np.arange(32_000))).astype(np.int16)
    return np.concatenate([noise, np.zeros(16_000, np.int16), tone])


@pytest.fixture(scope="module")
def echoing(board_and_device, sound) -> list[Event]:
    board, device = board_and_device
    return list(device.listen(lambda: board.listen(sound), echo_samples=ECHOED))


def test_the_echo_equals_the_played_samples_and_nothing_is_lost(echoing, sound):
    blocks = [event for event in echoing if isinstance(event, Pcm)]
    echo = np.frombuffer(b"".join(event.samples for event in blocks), "<i2")
    np.testing.assert_array_equal(echo, sound[:ECHOED])
    assert [event.first_sample for event in blocks] == list(range(0, ECHOED, 64))
    for event in blocks:
        complete_ms = (event.first_sample // 256 + 1) * 16  # the microphone's buffer that it lies in
        assert complete_ms <= event.device_ms <= complete_ms + 2
    assert not [event for event in echoing if isinstance(event, Loss | Overrun)]


def test_the_board_listens_after_the_echo(echoing, sound):
    assert sum(isinstance(event, Detection) for event in echoing) == 1
    assert isinstance(echoing[-1], End)
    assert 0 <= echoing[-1].samples - (len(sound) - ECHOED) < 256  # whole buffers


def test_the_modeled_cache_cannot_be_switched(board_and_device):
    _, device = board_and_device
    state = device.handshake().icache
    if state == "none":
        pytest.skip("this QEMU counts instructions: there is no cache")
    device.set_icache(state)
    with pytest.raises(ProtocolError, match=f"stays {state}"):
        device.set_icache("off" if state == "on" else "on")

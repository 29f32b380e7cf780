"""The front end with instructions of the Cortex-M4 that a host does not have."""

from __future__ import annotations

import pytest
from host_library import STORE
from sounds import SOUNDS
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from models.data.features import feature_crc, micro_features

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    with EmulatedBoard(STORE) as board:
        board.upload(board.build(tiny_model(folder / "model"), TinyEngine()))
        yield board.open(folder / "transcript")


@pytest.mark.parametrize("name", SOUNDS)
def test_a_clip_equals_tensorflow(device, name):
    assert device.load_clip(SOUNDS[name]) == feature_crc(micro_features(SOUNDS[name]))

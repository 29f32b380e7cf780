"""The front end with the Cortex-M4's own instructions, which the host's tests cannot run."""

from __future__ import annotations

import pytest
from sounds import SOUNDS
from tiny_engine import TinyEngine, tiny_model

from harness.boards.emulated import EmulatedBoard
from models.data.features import feature_crc, micro_features
from models.store import Store

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    with EmulatedBoard(Store(folder / "store")) as board:
        board.upload(board.build(tiny_model(folder / "model"), TinyEngine()))
        yield board.open(folder / "transcript")


@pytest.mark.parametrize("name", SOUNDS)
def test_a_clip_equals_the_oracle(device, name):
    assert device.load_clip(SOUNDS[name]) == feature_crc(micro_features(SOUNDS[name]))

"""Images with the flags of a stock sketch: Earshot's kernels and front end are as fast as with -O2."""

from __future__ import annotations

import hashlib

import pytest
from host_library import STORE
from small_models import tinyconv
from tiny_engine import tiny_model

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import get_engine

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def cycles(tmp_path_factory) -> dict[str, dict[str, int]]:
    """Count the cycles of each stage by the flags of the image."""
    folder = tmp_path_factory.mktemp("model")
    tflite, found = tinyconv(0.0, 0.0), {}
    model = tiny_model(folder, tflite_sha256=hashlib.sha256(tflite).hexdigest())
    model.tflite.write_bytes(tflite)
    for flags in ("-Os", "-O2"):
        with EmulatedBoard(STORE, optimization=flags) as board:
            board.upload(board.build(model, get_engine("codegen")))
            found[flags] = board.open(folder / "log").stage_cycles()
    return found


@pytest.mark.parametrize("stage", ["preprocess", "inference"])
def test_a_stage_takes_no_more_cycles_than_with_O2(cycles, stage):
    assert cycles["-Os"][stage] <= 1.01 * cycles["-O2"][stage]

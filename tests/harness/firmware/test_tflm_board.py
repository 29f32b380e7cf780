"""Engine tflm with the real library on the emulated board: outputs of the reference, and the arena."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from compiled_engine import tflite_reference
from host_library import STORE
from shared_data import shared_data
from tflm_library import real_library

from harness.boards.emulated import EmulatedBoard
from harness.firmware.engine import Engine
from harness.firmware.tflm import TflmEngine
from models.store import Store
from models.tflite import read_tflite

pytestmark = pytest.mark.slow  # the library takes minutes to compile, once for a machine


@dataclass(frozen=True)
class Model:
    """As much of a model artifact as a build reads."""

    path: Path


@pytest.fixture(params=["micro_speech_quantized.tflite", "kws_ref_model.tflite"])
def tflite(request):
    real_library()
    return shared_data(request.param)


@pytest.fixture
def model(tflite, tmp_path):
    read = read_tflite(tflite)
    sides = {"input": read.tensors[read.inputs[0]], "output": read.tensors[read.outputs[0]]}
    facts = {
        "id": "from-elsewhere",
        "labels": [f"label {i}" for i in range(sides["output"].elements)],
        "tflite_sha256": read.sha256,
    }
    for side, tensor in sides.items():
        facts[side] = {
            "shape": tensor.shape,
            "dtype": tensor.type,
            "scale": tensor.quantization.scales[0],
            "zero_point": tensor.quantization.zero_points[0],
        }
    (tmp_path / "model.tflite").write_bytes(tflite.read_bytes())
    (tmp_path / "model.json").write_text(json.dumps(facts))
    return Model(tmp_path)


@pytest.fixture
def board():
    with EmulatedBoard(STORE) as board:
        yield board


def _measured(board: EmulatedBoard, model: Model, engine: Engine, store: Store) -> Engine:
    def used(first: Engine) -> int:
        board.upload(board.build(model, first))
        return board.open(model.path / "arena.log").handshake().arena_bytes

    return engine.sized_for(model.path / "model.tflite", board.name, store, used)


def test_outputs_are_those_of_the_reference_kernels(board, model, tflite, tmp_path):
    firmware = board.build(model, _measured(board, model, TflmEngine(), Store(tmp_path / "store")))
    board.upload(firmware)
    device = board.open(tmp_path / "log")
    boot = device.handshake(firmware)
    assert (boot.engine, boot.kernels) == ("tflm", firmware.kernels)
    assert 0 <= firmware.arena_bytes - boot.arena_bytes < 16

    read = read_tflite(tflite)
    output = read.tensors[read.outputs[0]]
    inputs = np.random.default_rng(1).integers(-128, 128, (5, read.tensors[read.inputs[0]].elements))
    inputs = inputs.astype("i1")
    expected = tflite_reference(tflite.read_bytes(), inputs).reshape(len(inputs), -1)
    for one, outputs in zip(inputs, expected, strict=True):
        device.load(one.tobytes())
        (scale,), (zero_point,) = output.quantization.scales, output.quantization.zero_points
        np.testing.assert_array_equal(
            np.round(np.array(device.infer().results) / scale + zero_point), outputs
        )


def test_an_arena_that_is_too_small_is_reported(board, model, tmp_path):
    board.upload(board.build(model, TflmEngine(arena_bytes=4096)))
    device = board.open(tmp_path / "log")
    assert device.handshake().arena_bytes == 0
    assert "Failed to " in (tmp_path / "log").read_text()

"""Engine tflm with the real library on the emulated board: outputs of the reference, and the arena."""

from __future__ import annotations

import math

import numpy as np
import pytest
from compiled_engine import tflite_reference
from host_library import STORE
from shared_data import shared_data
from tflm_library import real_library

from harness.boards.emulated import EmulatedBoard
from harness.errors import BuildFailed
from harness.firmware.tflm import TflmEngine
from harness.measure.arena import build_sized
from models.pipeline import external
from models.store import Store

pytestmark = pytest.mark.slow  # the library takes minutes to compile, once for a machine


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture(params=[("micro_speech_quantized", 4), ("kws_ref_model", 12)], ids=lambda model: model[0])
def model(request, store):
    real_library()
    name, outputs = request.param
    return external(shared_data(f"{name}.tflite"), [f"label {i}" for i in range(outputs)], store)


@pytest.fixture
def board():
    with EmulatedBoard(STORE) as board:
        yield board


def test_outputs_are_those_of_the_reference_kernels(board, model, store, tmp_path):
    firmware = build_sized(board, model, TflmEngine(), store, lambda: tmp_path / "arena.log")
    board.upload(firmware)
    device = board.open(tmp_path / "log")
    boot = device.handshake(firmware)
    assert (boot.engine, boot.kernels) == ("tflm", firmware.kernels)
    assert 0 <= firmware.arena_bytes - boot.arena_bytes < 16

    shape = (5, math.prod(model.input["shape"]))
    inputs = np.random.default_rng(1).integers(-128, 128, shape).astype("i1")
    for one, expected in zip(inputs, tflite_reference(model.tflite.read_bytes(), inputs), strict=True):
        device.load(one.tobytes())
        scores = np.array(device.infer().results) / model.output["scale"] + model.output["zero_point"]
        np.testing.assert_array_equal(np.round(scores), expected)


def test_an_arena_that_is_too_small_is_reported(board, model, tmp_path):
    board.upload(board.build(model, TflmEngine(arena_bytes=4096)))
    device = board.open(tmp_path / "log")
    assert device.handshake().arena_bytes == 0
    assert "Failed to " in device.printed


@pytest.mark.parametrize(
    ("name", "outputs"),
    [("lstm_float", 4), ("streaming_state", 1), ("conv1d_maxpool_int8", 4), ("int4_weights", 6)],
)
def test_models_that_codegen_lacks_operators_for_start(board, store, tmp_path, name, outputs):
    real_library()
    model = external(shared_data(f"reports/{name}.tflite"), [f"label {i}" for i in range(outputs)], store)
    assert build_sized(board, model, TflmEngine(), store, lambda: tmp_path / "log").arena_bytes < 32 << 10


def test_a_refusal_has_the_interpreters_own_words(board, store, tmp_path):
    real_library()
    model = external(shared_data("reports/float16.tflite"), [f"label {i}" for i in range(4)], store)
    with pytest.raises(BuildFailed, match=r"float16\.tflite: .*Node DEQUANTIZE .* failed to prepare"):
        build_sized(board, model, TflmEngine(), store, lambda: tmp_path / "log")

"""Modeled cycles of whole models and the front end, as an image is built for a stock sketch (-Os)."""

from __future__ import annotations

import pytest
from benchmarks.engine_speed import FILES, measure
from host_library import STORE
from shared_data import shared_data
from small_models import tinyconv

from harness.boards.emulated import EmulatedBoard
from models.pipeline import external

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def board():
    with EmulatedBoard(STORE, optimization="-Os") as board:
        yield board


@pytest.mark.parametrize(("name", "most"), [("micro_speech_quantized", 1.15), ("kws_ref_model", 1.45)])
def test_known_models_take_few_cycles_a_multiply_accumulate(board, name, most):
    labels = [f"label {i}" for i in range(FILES[name])]
    model = external(shared_data(f"{name}.tflite"), labels, STORE)
    assert measure(board, model, "codegen", STORE).cycles_per_mac <= most


@pytest.mark.parametrize(("dtype", "most"), [("i1", 1.10), ("f4", 3.0)])
def test_tinyconv_takes_few_cycles_a_multiply_accumulate(board, tmp_path, dtype, most):
    file = tmp_path / f"tinyconv-{dtype}.tflite"
    file.write_bytes(tinyconv(0, 0, dtype))
    model = external(file, ["silence", "unknown", "yes", "no"], STORE)
    speed = measure(board, model, "codegen", STORE)
    assert speed.cycles_per_mac <= most
    assert speed.slice_cycles is not None and speed.slice_cycles <= 45_000

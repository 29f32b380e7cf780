"""Modeled cycles of whole models and the front end, as an image is built for a stock sketch (-Os)."""

from __future__ import annotations

import pytest
from benchmarks.engine_speed import FILES, measure
from host_library import STORE
from shared_data import shared_data
from small_models import tinyconv

from harness.boards.emulated import EmulatedBoard
from models.model_artifact import ModelArtifact
from models.pipeline import external

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def board():
    with EmulatedBoard(STORE, optimization="-Os") as board:
        yield board


def published(name: str) -> ModelArtifact:
    return external(shared_data(f"{name}.tflite"), [f"label {i}" for i in range(FILES[name])], STORE)


@pytest.mark.parametrize(
    ("name", "most", "arena_of_tflm"),
    [("micro_speech_quantized", 1.15, 6_928), ("kws_ref_model", 1.45, 24_176)],
)
def test_known_models_take_few_cycles_and_no_more_memory_than_tflm(board, name, most, arena_of_tflm):
    speed = measure(board, published(name), "codegen", STORE)
    assert speed.cycles_per_mac <= most
    assert speed.firmware.arena_bytes <= arena_of_tflm


def test_small_images_take_less_flash_and_ram(board):
    model = published("kws_ref_model")
    fast, small = (measure(board, model, "codegen", STORE, one).firmware for one in ("fast", "small"))
    assert small.flash_bytes <= 0.8 * fast.flash_bytes
    assert small.arena_bytes <= 0.65 * fast.arena_bytes
    assert fast.ram_bytes - small.ram_bytes == fast.arena_bytes - small.arena_bytes


@pytest.mark.parametrize(("dtype", "most"), [("i1", 1.10), ("f4", 3.0)])
def test_tinyconv_takes_few_cycles_a_multiply_accumulate(board, tmp_path, dtype, most):
    file = tmp_path / f"tinyconv-{dtype}.tflite"
    file.write_bytes(tinyconv(0, 0, dtype))
    model = external(file, ["silence", "unknown", "yes", "no"], STORE)
    speed = measure(board, model, "codegen", STORE)
    assert speed.cycles_per_mac <= most
    assert speed.slice_cycles is not None and speed.slice_cycles <= 45_000

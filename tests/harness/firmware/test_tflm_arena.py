"""The arena of engine tflm: guessed generously, measured once, and what no board can hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tflite_builder import ModelBuilder
from tflm_library import library_outline

from harness.errors import BuildFailed, DoesNotFit
from harness.firmware.registry import get_engine
from harness.firmware.tflite_model import read_tflite
from harness.firmware.tflm import TflmEngine
from harness.firmware.tflm.arena import with_measured_arena
from harness.firmware.tflm.estimate import MOST_ARENA_BYTES, generous_arena, least_arena, planning_margin
from models.store import Store


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("EARSHOT_TFLM", raising=False)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def engine(tmp_path):
    return TflmEngine((library_outline(tmp_path / "library"),))


def _chain(tmp_path, elements: int, length: int = 3):
    """A model of as many SOFTMAX in a row."""
    builder = ModelBuilder()
    tensors = [builder.activation((1, elements), "i1", 0.1) for _ in range(length + 1)]
    for source, output in pairwise(tensors):
        builder.operator("SOFTMAX", [source], [output], beta=1.0)
    path = tmp_path / f"{elements}-{length}.tflite"
    path.write_bytes(builder.finish(tensors[:1], tensors[-1:]))
    return path


def test_the_guess_holds_all_activations_at_once(tmp_path):
    assert generous_arena(read_tflite(_chain(tmp_path, 1000, 5))) > 6 * 1000
    assert generous_arena(read_tflite(_chain(tmp_path, 1000, 5))) % 16 == 0


def test_the_guess_leaves_the_board_its_memory(tmp_path):
    assert generous_arena(read_tflite(_chain(tmp_path, 1 << 20))) == MOST_ARENA_BYTES


@pytest.mark.parametrize("length", [1, 2, 9])
def test_two_activations_of_a_chain_are_alive_at_a_time(tmp_path, length):
    assert least_arena(read_tflite(_chain(tmp_path, 1000, length))) == 2 * 1008


def test_it_is_measured_once_for_a_model(tmp_path, store, engine):
    used = iter([1001, 2002])
    first, other = _chain(tmp_path, 5000), _chain(tmp_path, 6000)
    arenas = [
        with_measured_arena(engine, path, "emulated", store, lambda guessing: next(used)).arena_bytes
        for path in (first, other, first)
    ]
    assert arenas == [1008, 2016, 1008]


def test_a_model_of_few_bytes_gets_room_for_the_planners_notes(tmp_path, store, engine):
    model = _chain(tmp_path, 10)
    margin = planning_margin(read_tflite(model))
    assert margin > 0 == planning_margin(read_tflite(_chain(tmp_path, 5000)))
    fitting = with_measured_arena(engine, model, "emulated", store, lambda guessing: 700)
    assert fitting.arena_bytes - (700 + margin) in range(16)


def test_another_library_or_board_is_measured_again(tmp_path, store, engine):
    model, measured = _chain(tmp_path, 10), []
    newer = library_outline(tmp_path / "newer", version="2.5")
    (newer / "src" / "TensorFlowLite.h").write_text("// newer\n")
    for one, board in ((engine, "emulated"), (engine, "nano33ble"), (TflmEngine((newer,)), "emulated")):
        with_measured_arena(one, model, board, store, lambda guessing: measured.append(guessing) or 999)
    assert [guessing.arena_bytes for guessing in measured] == [None] * 3


def test_an_engine_that_knows_its_arena_is_taken_as_it_is(tmp_path, store):
    static = get_engine("codegen")
    model = _chain(tmp_path, 10)
    assert with_measured_arena(static, model, "emulated", store, lambda _: pytest.fail("measured")) is static


def test_a_model_that_no_arena_holds_does_not_fit(tmp_path, store, engine):
    with pytest.raises(DoesNotFit) as caught:
        with_measured_arena(engine, _chain(tmp_path, 100_000), "emulated", store, lambda _: 0)
    assert (caught.value.section, caught.value.needed_bytes) == ("ram", 200_000)


def test_a_model_that_the_interpreter_refuses_is_told_and_tried_again(tmp_path, store, engine):
    model = _chain(tmp_path, 10)
    with pytest.raises(BuildFailed, match="does not take this model"):
        with_measured_arena(engine, model, "emulated", store, lambda _: 0)
    assert with_measured_arena(engine, model, "emulated", store, lambda _: 500).arena_bytes >= 500

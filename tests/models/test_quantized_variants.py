from __future__ import annotations

import dataclasses

import pytest

from models.compress.transforms import Quantization
from models.prepare import prepare
from models.states import states_of
from models.variants import Training, Variant

FOUR_BITS = Variant(
    "four",
    "Four",
    "tinyconv",
    "float32",
    training=Training(epochs=2, batch_size=32),
    quantization=Quantization("aware", bits=4, fine_tune_epochs=1),
)
AWARE = dataclasses.replace(
    FOUR_BITS, id="aware", precision="int8", quantization=Quantization("aware", fine_tune_epochs=1)
)
AFTER = dataclasses.replace(FOUR_BITS, id="after", quantization=Quantization("post-training", bits=4))


@pytest.fixture(scope="module")
def models(dataset, store) -> dict:
    return {item.id: prepare(item, dataset, store) for item in (FOUR_BITS, AWARE, AFTER)}


def test_what_no_board_runs_has_an_accuracy_and_no_file(models):
    four = models["four"]
    assert (four.deployable, four.tflite.exists(), four.tflite_bytes, four.input) == (
        False,
        False,
        None,
        None,
    )
    assert (four.precision, four.parameters, four.macs, four.operators) == ("float32", 16_652, 336_000, {})
    assert sum(count["total"] for count in four.accuracy["testing"]) == len(four.test_heard) > 0
    pairs = zip(four.test_heard, four.test_labels, strict=True)
    assert sum(count["correct"] for count in four.accuracy["testing"]) == sum(a == b for a, b in pairs)


def test_aware_training_of_8_bits_gives_a_model_like_any_other(models):
    aware = models["aware"]
    assert aware.deployable and aware.tflite.is_file()
    assert (aware.input["dtype"], aware.output["dtype"]) == ("int8", "int8")
    assert aware.sizing["parameters"] == aware.parameters == 16_652


def test_after_training_nothing_is_learned(models):
    after = models["after"]
    assert after.fine_tuning == {"epochs": [], "kept_epoch": None}
    assert after.before_fine_tuning == after.accuracy


def test_quantization_costs_something_and_is_told(models):
    assert models["four"].mse > 0
    assert models["four"].quantization == dataclasses.asdict(FOUR_BITS.quantization)


def test_what_no_board_runs_is_never_converted(models, dataset, store):
    (state,) = states_of([FOUR_BITS], dataset, store)
    assert (state.transformed, state.converted, state.prepared) == (True, None, models["four"].path)

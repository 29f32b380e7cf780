from __future__ import annotations

import dataclasses

import pytest
import torch

from models.compress.transforms import Pruning
from models.errors import ConversionError
from models.parallel import evaluate_all, prepare_all
from models.prepare import evaluate, prepare, train
from models.states import states_of
from models.store import Store
from models.variants import Training, Variant

TRAINING = Training(epochs=2, batch_size=32)
PLAIN = Variant("plain", "Plain", "tinyconv", "int8", training=TRAINING)
FLOAT = dataclasses.replace(PLAIN, id="float", precision="float32")
HALF = dataclasses.replace(PLAIN, id="half", pruning=Pruning("channels", 0.5, fine_tune_epochs=1))
SPARSE = dataclasses.replace(PLAIN, id="sparse", pruning=Pruning("weights", 0.5, fine_tune_epochs=1))
FAMILY = (FLOAT, HALF, PLAIN, SPARSE)


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What was said while the family was prepared."""
    return []


@pytest.fixture(scope="module")
def models(dataset, store, told) -> dict:
    """The family's artifacts by id."""
    return {item.variant.id: item.result for item in prepare_all(FAMILY, dataset, store, told.append, jobs=2)}


def made(lines: list[str]) -> list[str]:
    """The steps that were not there before: "half: transform"."""
    steps = [line.split(" … ") for line in lines if " … " in line]
    return sorted(step for step, took in steps if took != "cached")


def test_everything_is_made_once(models, told):
    steps = [step.split(": ")[1] for step in made(told)]
    assert {step: steps.count(step) for step in steps} == {
        "train": 1,  # of one network, seed and training
        "transform": 2,
        "convert": 4,
        "prepare": 4,
    }


def test_progress_is_counted(models, told):
    assert [line for line in told if line.endswith("variants")] == [
        f"{n} of 4 variants" for n in (1, 2, 3, 4)
    ]


def test_outcomes_come_in_the_order_of_the_variants(models):
    assert list(models) == [item.id for item in FAMILY]


def test_processes_make_what_this_one_makes(models, dataset, tmp_path):
    alone = prepare(HALF, dataset, Store(tmp_path))
    assert alone.tflite.read_bytes() == models["half"].tflite.read_bytes()
    assert (alone.path / "model.json").read_text() == (models["half"].path / "model.json").read_text()


def test_a_second_time_nothing_is_made_and_no_process_started(models, dataset, store):
    lines: list[str] = []
    again = {item.variant.id: item.result for item in prepare_all(FAMILY, dataset, store, lines.append)}
    assert again == models and made(lines) == []


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({"title": "Another"}, ["half: prepare"]),
        ({"pruning": Pruning("channels", 0.25, fine_tune_epochs=1)}, ["convert", "prepare", "transform"]),
        ({"precision": "float32"}, ["convert", "prepare"]),
        ({"training": dataclasses.replace(TRAINING, epochs=1)}, ["convert", "prepare", "train", "transform"]),
    ],
)
def test_a_changed_variant_is_made_again_alone(models, dataset, store, change, steps):
    changed = [dataclasses.replace(item, **change) if item is HALF else item for item in FAMILY]
    lines: list[str] = []
    outcomes = list(prepare_all(changed, dataset, store, lines.append, jobs=1))
    assert made(lines) == [step if ":" in step else f"half: {step}" for step in steps]
    assert all(item.failure is None for item in outcomes)


def test_a_failure_is_left_to_its_variant(models, dataset, store):
    broken, fine = (dataclasses.replace(PLAIN, id=f"seed-{seed}", seed=seed) for seed in (2, 3))
    file = train(broken, dataset, store) / "checkpoint.pt"
    nothing = {name: value * float("nan") for name, value in torch.load(file).items()}
    torch.save(nothing, file)
    first, second = prepare_all([broken, fine], dataset, store, jobs=2)
    assert isinstance(first.failure, ConversionError) and "nan" in str(first.failure)
    assert (second.failure, second.result.id) == (None, "seed-3")


def test_channels_that_went_are_no_longer_counted(models):
    half, plain = models["half"], models["plain"]
    assert (half.macs, half.parameters) == (plain.macs / 2, 4 * 80 + 4 + 2000 * 4 + 4)
    assert half.remaining_parameters <= half.parameters
    assert half.pruning == dataclasses.asdict(HALF.pruning)


def test_weights_that_are_zero_are_counted_apart(models):
    sparse = models["sparse"]
    assert sparse.parameters == 16_652
    assert sparse.remaining_parameters == pytest.approx(16_640 / 2 + 12, abs=2)


def test_what_is_said_of_a_transform(models):
    half, plain = models["half"], models["plain"]
    assert set(half.before_fine_tuning) == {"training", "validation", "testing"} and half.mse > 0
    assert [epoch["epoch"] for epoch in half.fine_tuning["epochs"]] == [0, 1]
    assert (plain.before_fine_tuning, plain.fine_tuning, plain.mse, plain.pruning) == (None,) * 4
    assert half.base == plain.base == models["float"].base


def test_an_evaluation_stops_before_the_conversion(models, dataset, tmp_path):
    lines: list[str] = []
    facts = evaluate(HALF, dataset, Store(tmp_path), lines.append)
    assert made(lines) == ["half: train", "half: transform"]
    assert facts["before_fine_tuning"] == models["half"].before_fine_tuning


def test_points_of_a_study_are_evaluated_in_order(dataset, store, models):
    outcomes = list(evaluate_all(FAMILY, dataset, store))
    assert [item.variant for item in outcomes] == list(FAMILY)
    assert outcomes[1].result["mse"] == models["half"].mse


def test_states_tell_how_far_each_is(models, dataset, store):
    half = dataclasses.replace(HALF, id="later", pruning=Pruning("channels", 0.25, fine_tune_epochs=0))
    never = dataclasses.replace(PLAIN, id="never", seed=99)
    there, plain, later, nothing = states_of([HALF, PLAIN, half, never], dataset, store)
    assert (there.trained, there.transformed, there.converted) == (True, True, True)
    assert there.prepared == models["half"].path
    assert (plain.transformed, plain.converted) == (None, True)
    assert (later.trained, later.transformed, later.converted, later.prepared) == (True, False, False, None)
    assert (nothing.trained, nothing.transformed, nothing.prepared) == (False, None, None)


def test_without_a_corpus_nothing_is_there_and_none_is_made(tmp_path):
    (state,) = states_of([HALF], None, Store(tmp_path))
    assert (state.trained, state.transformed, state.converted, state.prepared) == (False, False, False, None)
    assert not list(tmp_path.iterdir())

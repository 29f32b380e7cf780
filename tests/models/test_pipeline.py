"""The pipeline from variants, and from .tflite files of elsewhere, to models."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import zlib

import flatbuffers
import numpy as np
import pytest
import torch
from reported import reported
from shared_data import shared_data
from small_models import classifier
from tflite_builder import ModelBuilder

from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.errors import ConversionError, DatasetError
from models.evaluation import outputs_of
from models.parallel import evaluate_all, prepare_all
from models.pipeline import external, steps_of, train
from models.reference import ReferenceModel
from models.store import Store, sha256_of
from models.tflite import tflite_schema
from models.variants import Pruning, Quantization, Training, Variant

LABELS = ("silence", "unknown", "yes", "no")
TRAINING = Training(epochs=2, batch_size=32)
PLAIN = Variant("plain", "Plain", "tinyconv", "int8", training=TRAINING)
FLOAT = dataclasses.replace(PLAIN, id="float", precision="float32")
HALF = dataclasses.replace(PLAIN, id="half", pruning=Pruning("channels", 0.5, fine_tune_epochs=1))
AWARE = dataclasses.replace(PLAIN, id="aware", quantization=Quantization("aware", fine_tune_epochs=1))
FOUR_BITS = dataclasses.replace(
    FLOAT,
    id="four-bits",
    pruning=Pruning("weights", 0.5, fine_tune_epochs=0),
    quantization=Quantization("aware", bits=4, fine_tune_epochs=1),
)
FAMILY = (FLOAT, HALF, PLAIN, AWARE, FOUR_BITS)


@pytest.fixture(scope="module")
def log() -> list[str]:
    """Lines that were logged while the family was prepared."""
    return []


@pytest.fixture(scope="module")
def models(dataset, store, log) -> dict:
    """Prepare the family; return the models by id."""
    with reported(log):
        return {item.variant.id: item.result for item in prepare_all(FAMILY, dataset, store, jobs=1)}


@pytest.fixture(scope="module")
def features(dataset, store):
    return feature_sets(dataset, DatasetConfig(), store)


def built(lines: list[str]) -> list[str]:
    """List the steps that were not cached, such as "half: compress"."""
    return sorted(line.removesuffix(" …") for line in lines if line.endswith(" …") and ": " in line)


def test_every_step_is_built_once(models, log, dataset, store):
    assert list(models) == [item.id for item in FAMILY]
    steps = [step.split(": ")[1] for step in built(log)]
    assert {step: steps.count(step) for step in steps} == {
        "train": 1,  # of one network, seed and training
        "compress": 3,
        "convert": 4,
        "describe": 5,
    }
    with reported() as lines:
        again = {item.variant.id: item.result for item in prepare_all(FAMILY, dataset, store)}
    assert again == models and built(lines) == []


def test_models_that_another_machine_published_are_not_prepared_again(
    models, dataset, store, tmp_path, monkeypatch
):
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("EARSHOT_STORE", str(tmp_path / "shared"))
    assert all(item.result for item in prepare_all(FAMILY, dataset, store))
    with reported() as lines:
        there = {item.variant.id: item.result for item in prepare_all(FAMILY, dataset, Store(tmp_path))}
    assert built(lines) == []
    tflite = {id: model and model.tflite.read_bytes() for id, model in models.items() if model.deployable}
    assert {id: there[id].tflite.read_bytes() for id in tflite} == tflite


def test_a_cached_model_needs_neither_torch_nor_tensorflow(models, dataset, store):
    """They take six seconds to import."""
    program = f"""
import sys
from pathlib import Path
from models.pipeline import prepare
from models.store import Store
from models.variants import Quantization, Training, Variant
variant = {AWARE!r}
print(prepare(variant, Path({str(dataset)!r}), Store(Path({str(store.root)!r}))).path)
assert not {{"torch", "tensorflow"}} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stderr, done.stdout.strip()) == ("", str(models["aware"].path))


@pytest.mark.parametrize(
    ("change", "repeated"),
    [
        ({"title": "Another"}, {"describe"}),
        ({"precision": "float32"}, {"convert", "describe"}),
        ({"pruning": Pruning("channels", 0.25, fine_tune_epochs=1)}, {"compress", "convert", "describe"}),
        ({"training": Training(epochs=1)}, {"train", "compress", "convert", "describe"}),
    ],
)
def test_a_change_repeats_only_the_steps_that_depend_on_it(tmp_path, change, repeated):
    store = Store(tmp_path)
    before, after = steps_of(HALF, "f", store), steps_of(dataclasses.replace(HALF, **change), "f", store)
    names = ("train", "compress", "convert", "describe")
    changed = {name for name in names if getattr(before, name).path != getattr(after, name).path}
    assert changed == repeated


def test_a_failure_does_not_stop_the_other_variants(models, dataset, store):
    broken = dataclasses.replace(PLAIN, id="broken", seed=2)
    file = train(broken, dataset, store) / "checkpoint.pt"
    torch.save({name: value * float("nan") for name, value in torch.load(file).items()}, file)
    first, second = prepare_all([broken, PLAIN], dataset, store, jobs=1)
    assert isinstance(first.failure, ConversionError) and "nan" in str(first.failure)
    assert (second.failure, second.result) == (None, models["plain"])


@pytest.mark.parametrize("variant", [FLOAT, PLAIN])
def test_model_json_describes_the_tflite(models, variant):
    model = models[variant.id]
    assert (model.title, model.precision, model.labels) == (variant.title, variant.precision, LABELS)
    assert (model.seed, model.parameters, model.macs) == (1, 16_652, 336_000)
    assert (model.tflite_bytes, model.tflite_sha256) == (model.tflite.stat().st_size, sha256_of(model.tflite))
    assert model.compressed_bytes == len(zlib.compress(model.tflite.read_bytes(), 9)) < model.tflite_bytes
    assert model.operators == {"CONV_2D": 1, "FULLY_CONNECTED": 1, "PAD": 1, "RESHAPE": 3, "SOFTMAX": 1}
    assert [epoch["epoch"] for epoch in model.epochs] == [1, 2] and model.kept_epoch in (1, 2)
    assert model.onnx.is_file() and model.torchscript.is_file()


def test_accuracy_is_that_of_the_tflite(models, features):
    model = models["plain"]
    values, labels = features.split("testing")
    predictions = outputs_of(model.tflite, values).argmax(1)
    assert (model.test_predictions, model.test_labels) == (predictions.tolist(), labels.tolist())
    for index, count in enumerate(model.accuracy["testing"]):
        assert count["label"] == LABELS[index] and count["total"] == int(np.sum(labels == index))
        assert count["correct"] == int(np.sum((labels == index) & (predictions == index)))


def test_parity_clips_come_from_the_test_set(models, features):
    clips = np.load(models["plain"].clips)
    known = {clip.tobytes(): label for clip, label in zip(*features.split("testing"), strict=True)}
    assert (clips["features"].dtype, clips["features"].shape[1:]) == (np.uint16, (49, 40))
    assert len(clips["features"]) == len(features.split("testing")[0]) <= 200  # all of these few
    assert [known[clip.tobytes()] for clip in clips["features"]] == clips["labels"].tolist()


def test_compression_is_described(models):
    half, plain, aware = models["half"], models["plain"], models["aware"]
    assert (half.macs, half.parameters) == (plain.macs / 2, 4 * 80 + 4 + 2000 * 4 + 4)
    assert half.pruning == dataclasses.asdict(HALF.pruning)
    assert half.base == plain.base == models["float"].base
    assert (aware.deployable, aware.input["dtype"], aware.output["dtype"]) == (True, "int8", "int8")
    assert set(half.before_fine_tuning) == {"training", "validation", "testing"} and half.mse > 0
    assert [epoch["epoch"] for epoch in half.fine_tuning["epochs"]] == [0, 1]
    assert (plain.before_fine_tuning, plain.fine_tuning, plain.mse, plain.pruning) == (None,) * 4


def test_a_variant_for_no_board_has_an_accuracy_and_no_tflite(models):
    four = models["four-bits"]
    assert not four.deployable and not four.tflite.exists()
    assert (four.tflite_bytes, four.input) == (None, None)
    assert (four.precision, four.parameters, four.macs, four.operators) == ("float32", 16_652, 336_000, {})
    assert four.remaining_parameters <= 16_640 / 2 + 12 + 2  # what was cut stays zero while it learns
    pairs = list(zip(four.test_predictions, four.test_labels, strict=True))
    assert sum(count["total"] for count in four.accuracy["testing"]) == len(pairs) > 0
    assert sum(count["correct"] for count in four.accuracy["testing"]) == sum(a == b for a, b in pairs)


def test_processes_train_a_shared_checkpoint_once_and_compute_the_same(models, dataset, tmp_path):
    with reported() as lines:
        half, four = evaluate_all([HALF, FOUR_BITS], dataset, Store(tmp_path), jobs=2)
    steps = sorted(step.split(": ")[1] for step in built(lines))
    assert steps == ["compress", "compress", "train"]  # and no conversion
    assert half.result["before_fine_tuning"] == models["half"].before_fine_tuning
    assert (half.result["mse"], four.result["mse"]) == (models["half"].mse, models["four-bits"].mse)


def test_models_are_told_as_soon_as_they_are_ready(models, dataset, store):
    new = [dataclasses.replace(item, title=f"New {item.id}") for item in (FLOAT, PLAIN)]
    ready = []
    prepared = [item.result for item in prepare_all([HALF, *new], dataset, store, 2, ready.append)]
    assert ready[0] == prepared[0] == models["half"]  # it was in the store
    assert sorted(model.id for model in ready[1:]) == ["float", "plain"]
    assert all(model in prepared for model in ready)


def test_a_tflite_from_elsewhere_is_described(store):
    file = shared_data("micro_speech_quantized.tflite")
    model = external(file, LABELS, store)
    assert (model.id, model.labels, model.precision, model.macs) == (file.stem, LABELS, "int8", 336_000)
    assert model.tflite.read_bytes() == file.read_bytes()
    assert (model.onnx, model.torchscript, model.clips, model.parameters, model.seed) == (None,) * 5
    assert (model.epochs, model.accuracy) == ([], {})
    other = external(shared_data("kws_ref_model.tflite"), [f"word{index}" for index in range(12)], store)
    assert (other.input["shape"], other.output["shape"]) == ([1, 49, 10, 1], [1, 12])
    with pytest.raises(ConversionError, match="4 outputs, but 2 labels"):
        external(file, ["yes", "no"], store)


def test_a_tflite_from_elsewhere_is_evaluated_on_a_dataset(models, dataset, store):
    plain = models["plain"]
    found = external(plain.tflite, LABELS, store, dataset).accuracy
    for split in ("validation", "testing"):  # a network of few clips learned from more renderings of them
        assert found[split] == plain.accuracy[split]
    order = ("no", "yes", "unknown", "silence")  # outputs of another meaning
    model = external(plain.tflite, order, store, dataset)
    totals = {count["label"]: count["total"] for count in plain.accuracy["testing"]}
    assert [count["label"] for count in model.accuracy["testing"]] == list(order)
    assert {count["label"]: count["total"] for count in model.accuracy["testing"]} == totals
    assert len(np.load(model.clips)["labels"]) == sum(totals.values())


def test_a_tflite_from_elsewhere_needs_a_test_set_only(models, dataset, store, tmp_path):
    for word in dataset.iterdir():
        (tmp_path / word.name).symlink_to(word)
    names = [f"{word}/{speaker:08x}_nohash_0.wav" for word in ("yes", "no") for speaker in range(60)]
    (tmp_path / "testing_list.txt").write_text("\n".join(names))
    model = external(models["plain"].tflite, LABELS, store, tmp_path)
    totals = {count["label"]: count["total"] for count in model.accuracy["testing"]}
    assert list(model.accuracy) == ["testing"] and totals["yes"] == totals["no"] == 60


def test_a_dataset_without_a_word_of_the_labels_is_refused(models, dataset, store):
    with pytest.raises(DatasetError, match='no recording of the wanted word "maybe"'):
        external(models["plain"].tflite, ("silence", "unknown", "yes", "maybe"), store, dataset)


def test_a_dataset_for_a_model_of_another_front_end_is_told_to_be_unused(dataset, store, tmp_path):
    with reported() as lines:
        assert not external(classifier(tmp_path / "m.tflite", 490), LABELS, store, dataset).accuracy
    told = "the dataset is not used: the model takes 490 values, and the front end micro makes 1,960"
    assert any(line.startswith(told) for line in lines)


def test_a_model_without_silence_is_evaluated_on_the_other_clips(models, dataset, store):
    model = external(models["plain"].tflite, ("other", "unknown", "yes", "no"), store, dataset)
    # Without "silence" there are no clips of it, and all other words are wanted.
    assert [count["total"] > 0 for count in model.accuracy["testing"]] == [True, False, True, True]
    assert sum(count["total"] for count in model.accuracy["testing"]) == len(np.load(model.clips)["labels"])


def test_a_variant_learns_its_own_words(dataset, store):
    variant = dataclasses.replace(PLAIN, id="three", words="yes, other,no")
    (outcome,) = prepare_all([variant], dataset, store, jobs=1)
    assert outcome.result.labels == ("silence", "unknown", "yes", "other", "no")
    assert {count["label"]: count["total"] for count in outcome.result.accuracy["testing"]}["other"] > 0


def test_a_vocabulary_that_the_dataset_lacks_leaves_the_others(models, dataset, store):
    variant = dataclasses.replace(PLAIN, id="lacking", words="yes,maybe")
    lacking, plain = prepare_all([variant, PLAIN], dataset, store, jobs=1)
    assert 'the wanted word "maybe"' in str(lacking.failure)
    assert plain.result == models["plain"]


@pytest.mark.parametrize(("into", "out"), [("uint8", "uint8"), ("int8", "float32")])
def test_other_types_of_input_and_output_are_refused(models, store, tmp_path, into, out):
    schema = tflite_schema()
    model = schema.ModelT.InitFromPackedBuf(models["plain"].tflite.read_bytes(), 0)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].type = getattr(schema.TensorType, into.upper())
    graph.tensors[graph.outputs[0]].type = getattr(schema.TensorType, out.upper())
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    file = tmp_path / "other.tflite"
    file.write_bytes(builder.Output())
    with pytest.raises(ConversionError, match=f"input is {into}, its output {out}"):
        external(file, LABELS, store)


def test_an_output_that_is_turned_into_uint8_is_taken_as_int8(store, tmp_path):
    builder = ModelBuilder()
    source, middle = builder.activation((1, 4), "i1", 0.1, 3), builder.activation((1, 4), "i1", 1 / 256, -128)
    output = builder.activation((1, 4), "u1", 1 / 256, 0)
    builder.operator("LOGISTIC", [source], [middle])
    builder.operator("QUANTIZE", [middle], [output])
    file = tmp_path / "unsigned.tflite"
    file.write_bytes(builder.finish([source], [output]))
    model = external(file, LABELS, store)
    assert model.output == {"shape": [1, 4], "dtype": "int8", "scale": 1 / 256, "zero_point": -128}
    inputs = np.array([[-128, -1, 50, 127]], "i1")
    signed, unsigned = (ReferenceModel(path).raw_output(inputs) for path in (model.tflite, file))
    np.testing.assert_array_equal(signed.astype(int) + 128, unsigned)

from __future__ import annotations

import json
import subprocess
import sys
import zlib

import numpy as np
import pytest
from shared_data import shared_data

from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.errors import ConversionError
from models.evaluation import outputs_of
from models.prepare import ModelArtifact, external, prepare
from models.store import sha256_of
from models.variants import Training, Variant

LABELS = ("silence", "unknown", "yes", "no")
TRAINING = Training(epochs=3, batch_size=32)
VARIANTS = {
    name: Variant(f"small-{name}", name, "tinyconv", name, training=TRAINING) for name in ("float32", "int8")
}


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What was said of the steps of both variants, in order."""
    return []


@pytest.fixture(scope="module")
def prepared(dataset, store, told) -> dict[str, ModelArtifact]:
    return {name: prepare(variant, dataset, store, told.append) for name, variant in VARIANTS.items()}


@pytest.fixture(scope="module")
def features(dataset, store):
    return feature_sets(dataset, DatasetConfig(), store, progress=False)


def test_both_precisions_share_one_checkpoint(prepared, told):
    steps = [line.split(" … ") for line in told]
    assert [step for step, _ in steps] == [
        *("small-float32: train", "small-float32: convert", "small-float32: prepare"),
        *("small-int8: train", "small-int8: convert", "small-int8: prepare"),
    ]
    assert [step for step, took in steps if took == "cached"] == ["small-int8: train"]


@pytest.mark.parametrize("precision", VARIANTS)
def test_what_model_json_says(prepared, precision):
    model = prepared[precision]
    assert (model.id, model.title, model.precision) == (f"small-{precision}", precision, precision)
    assert (model.labels, model.seed, model.parameters, model.macs) == (LABELS, 1, 16_652, 336_000)
    assert (model.tflite_bytes, model.tflite_sha256) == (model.tflite.stat().st_size, sha256_of(model.tflite))
    assert model.operators == {"RESHAPE": 3, "PAD": 1, "CONV_2D": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
    assert json.loads((model.path / "model.json").read_text())["schema"] == 1


def test_input_and_output_of_the_int8_model(prepared):
    model = prepared["int8"]
    assert (model.input["shape"], model.input["dtype"], model.input["zero_point"]) == (
        [1, 1960],
        "int8",
        -128,
    )
    assert 0.05 < model.input["scale"] < 0.15
    assert model.output == {"shape": [1, 4], "dtype": "int8", "scale": 1 / 256, "zero_point": -128}


def test_a_float_model_has_no_scale(prepared):
    assert prepared["float32"].input == {"shape": [1, 1960], "dtype": "float32", "scale": 0, "zero_point": 0}


def test_learning_curves_are_kept(prepared):
    model = prepared["int8"]
    assert [epoch["epoch"] for epoch in model.epochs] == [1, 2, 3] and model.kept_epoch in (1, 2, 3)


@pytest.mark.parametrize("precision", VARIANTS)
def test_accuracy_is_that_of_the_tflite_itself(prepared, features, precision):
    values, labels = features.split("testing")
    heard = outputs_of(prepared[precision].tflite, values).argmax(1)
    expected = [
        {
            "label": name,
            "correct": int(np.sum(heard[labels == index] == index)),
            "total": int(np.sum(labels == index)),
        }
        for index, name in enumerate(LABELS)
    ]
    assert prepared[precision].accuracy["testing"] == expected


def test_what_was_heard_clip_by_clip_is_what_the_accuracy_counts(prepared, features):
    model = prepared["int8"]
    assert model.test_labels == features.split("testing")[1].tolist()
    pairs = list(zip(model.test_heard, model.test_labels, strict=True))
    for index, count in enumerate(model.accuracy["testing"]):
        assert pairs.count((index, index)) == count["correct"]


def test_the_compressed_size_is_that_of_the_file(prepared):
    model = prepared["int8"]
    compressed = zlib.compress(model.tflite.read_bytes(), 9)
    assert model.compressed_bytes == len(compressed) < model.tflite_bytes


def test_accuracy_counts_every_clip_of_every_split(prepared, features):
    for name, counts in prepared["int8"].accuracy.items():
        assert sum(count["total"] for count in counts) == len(features.split(name)[1])


def test_parity_clips_come_from_the_test_set(prepared, features):
    clips = np.load(prepared["int8"].clips)
    known = {clip.tobytes(): label for clip, label in zip(*features.split("testing"), strict=True)}
    assert (clips["features"].dtype, clips["features"].shape[1:]) == (np.uint16, (49, 40))
    assert len(clips["features"]) == len(features.split("testing")[0]) <= 200  # all there are of so few
    assert [known[clip.tobytes()] for clip in clips["features"]] == clips["labels"].tolist()


def test_everything_that_runs_the_model_elsewhere_is_there(prepared):
    model = prepared["float32"]
    assert model.onnx.is_file() and model.torchscript.is_file()
    assert (model.path / "model_data.h").is_file() and (model.path / "model_data.cc").is_file()


def test_what_is_prepared_is_taken_without_torch_or_tensorflow(prepared, dataset, store):
    """They take six seconds to import: a run with nothing to prepare must not pay that."""
    program = f"""
import sys
import zlib
from pathlib import Path
from models.store import Store
from models.prepare import prepare
from models.variants import Training, Variant
variant = {VARIANTS["int8"]!r}
lines = []
print(prepare(variant, Path({str(dataset)!r}), Store(Path({str(store.root)!r})), lines.append).path)
assert [line.split(" … ")[1] for line in lines] == ["cached"] * 3, lines
assert not {{"torch", "tensorflow"}} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stderr, done.stdout.strip()) == ("", str(prepared["int8"].path))


def test_nothing_is_said_where_nobody_listens(prepared, dataset, store, capfd):
    prepare(VARIANTS["int8"], dataset, store)
    assert capfd.readouterr() == ("", "")


def test_micro_speech_is_taken_from_elsewhere(store):
    file = shared_data("micro_speech_quantized.tflite")
    model = external(file, LABELS, store)
    assert (model.id, model.labels, model.precision, model.macs) == (file.stem, LABELS, "int8", 336_000)
    assert model.tflite.read_bytes() == file.read_bytes()
    assert (model.onnx, model.torchscript, model.clips, model.parameters, model.seed) == (None,) * 5
    assert (model.epochs, model.accuracy) == ([], {})


def test_the_mlperf_reference_model_is_taken_from_elsewhere(store):
    labels = [f"word{index}" for index in range(12)]
    model = external(shared_data("kws_ref_model.tflite"), labels, store)
    assert (model.input["shape"], model.output["shape"]) == ([1, 49, 10, 1], [1, 12])


def test_a_model_from_elsewhere_is_evaluated_on_a_dataset(prepared, dataset, store):
    order = ("no", "yes", "unknown", "silence")
    model = external(prepared["int8"].tflite, order, store, dataset)
    assert [count["label"] for count in model.accuracy["testing"]] == list(order)
    totals = {count["label"]: count["total"] for count in prepared["int8"].accuracy["testing"]}
    assert {count["label"]: count["total"] for count in model.accuracy["testing"]} == totals
    assert len(np.load(model.clips)["labels"]) == sum(totals.values())


def test_labels_name_what_the_outputs_mean(prepared, dataset, store):
    """With the labels in their own order, the same file has the accuracy that it had as a variant."""
    model = external(prepared["int8"].tflite, LABELS, store, dataset)
    assert model.accuracy == prepared["int8"].accuracy


def test_a_name_that_would_break_a_record_is_made_fit(prepared, store, tmp_path):
    file = tmp_path / "my model, [v2].tflite"
    file.write_bytes(prepared["int8"].tflite.read_bytes())
    assert external(file, LABELS, store).id == "my-model-v2"


def test_too_few_labels_are_refused(prepared, store):
    with pytest.raises(ConversionError, match="4 outputs, but 2 labels"):
        external(prepared["int8"].tflite, ["yes", "no"], store)


def test_a_file_that_is_no_model_is_refused(store, tmp_path):
    file = tmp_path / "sound.tflite"
    file.write_bytes(b"RIFF1234WAVEfmt ")
    with pytest.raises(ConversionError, match="no TensorFlow Lite model"):
        external(file, LABELS, store)


@pytest.mark.parametrize(("into", "out"), [("uint8", "uint8"), ("int8", "float32")])
def test_other_types_of_input_and_output_are_refused(prepared, store, tmp_path, into, out):
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(prepared["int8"].tflite.read_bytes(), 0)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].type = getattr(schema.TensorType, into.upper())
    graph.tensors[graph.outputs[0]].type = getattr(schema.TensorType, out.upper())
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    file = tmp_path / "other.tflite"
    file.write_bytes(builder.Output())
    with pytest.raises(ConversionError, match=f"input is {into}, its output {out}"):
        external(file, LABELS, store)

"""Brings a variant, or a .tflite from elsewhere, to where a board can be built from it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.artefacts import Store, sha256_of
from models.dataset import LABELS, SPLITS, DatasetConfig
from models.errors import ConversionError
from models.evaluation import count_correct, outputs_of
from models.features import CHANNELS, SLICES, FeatureSets, feature_sets, float_features
from models.model_artefact import CONTENTS, SCHEMA, ModelArtefact
from models.steps import Say, Steps
from models.variants import Variant

if TYPE_CHECKING:
    from models.conversion.model_file import ModelFile, Tensor

__all__ = ["ModelArtefact", "external", "prepare"]

CALIBRATION_CLIPS = 500
PARITY_CLIPS = 256
"""Test clips that go with a model: the board's outputs are compared with the reference kernels' on them."""

_LONGEST_ID = 60
"""A record of the board holds 63 characters."""

_HERE = Path(__file__).parent
_TRAINING_CODE = [_HERE / name for name in ("networks", "training.py", "augmentation.py", "features.py")]
_CONVERSION_CODE = [_HERE / "networks", _HERE / "conversion"]
_EVALUATION_CODE = [_HERE / name for name in ("prepare.py", "evaluation.py", "reference.py", "features.py")]


def prepare(variant: Variant, dataset_root: Path, store: Store, progress: Say | None = None) -> ModelArtefact:
    """Trains and converts a variant and measures the .tflite's accuracy; takes from the store what it has.

    Args:
        variant: see `models.variants`.
        dataset_root: a folder in the Speech Commands layout.
        store: keeps the features, the checkpoint, the conversion and the result.
        progress: told one line about each step; None for no output at all.

    Raises:
        DatasetError: the dataset lacks something or is broken.
        ConversionError: the trained network breaks a check of the conversion.
    """
    steps = Steps(store, variant.id, progress)
    features = feature_sets(dataset_root, DatasetConfig(), store, steps.show_bars)
    checkpoint = _train(variant, features, steps)
    converted = _convert(variant, features, checkpoint, steps)

    def make(folder: Path) -> None:
        from models.conversion.model_file import read_model

        for file in converted.iterdir():
            if file.name not in ("inputs.json", "conversion.json"):
                shutil.copyfile(file, folder / file.name)
        history = json.loads((checkpoint / "training.json").read_text())
        contents = _facts(folder / "model.tflite", read_model(folder / "model.tflite"), features.labels) | {
            "id": variant.id,
            "title": variant.title,
            "seed": variant.seed,
            "parameters": json.loads((converted / "conversion.json").read_text())["parameters"],
            "epochs": history["epochs"],
            "kept_epoch": history["kept_epoch"],
            "accuracy": _accuracy(folder / "model.tflite", features, features.labels, steps.show_bars),
        }
        _keep_clips(features, features.labels, variant.seed, folder)
        _write_contents(contents, folder)

    inputs = {"variant": variant, "converted": converted.name, "features": features.path.name}
    return ModelArtefact(steps.build("prepare", inputs, make, _EVALUATION_CODE))


def external(
    model_file: Path,
    labels: Sequence[str],
    store: Store,
    dataset_root: Path | None = None,
    progress: Say | None = None,
) -> ModelArtefact:
    """Takes a .tflite from elsewhere: checks that a board can be built from it, and describes it.

    Args:
        model_file: the .tflite; int8 or float32 input and output.
        labels: the names of its outputs in order.
        store: keeps the result.
        dataset_root: a folder in the Speech Commands layout. With it, accuracy is measured if the
            model takes micro features (1960) and has the dataset's labels, in whatever order.
        progress: see `prepare`.

    Raises:
        ConversionError: the file cannot be read, or has inputs and outputs of another number or type.
    """
    from models.conversion.model_file import read_model

    model = read_model(model_file)
    _check_external(model, labels, model_file)
    identity = re.sub(r"[^A-Za-z0-9_.-]+", "-", model_file.stem).strip("_.-")[:_LONGEST_ID] or "model"
    steps = Steps(store, identity, progress)
    features = None
    if (
        dataset_root is not None
        and model.inputs[0].elements == SLICES * CHANNELS
        and set(labels) == set(LABELS)
    ):
        features = feature_sets(dataset_root, DatasetConfig(), store, steps.show_bars)

    def make(folder: Path) -> None:
        shutil.copyfile(model_file, folder / "model.tflite")
        contents = _facts(folder / "model.tflite", model, labels) | {
            "id": identity,
            "title": model_file.stem,
            "seed": None,
            "parameters": None,
            "epochs": [],
            "kept_epoch": None,
            "accuracy": {},
        }
        if features is not None:
            contents["accuracy"] = _accuracy(folder / "model.tflite", features, labels, steps.show_bars)
            _keep_clips(features, labels, DatasetConfig().seed, folder)
        _write_contents(contents, folder)

    inputs = {
        "model": model_file,
        "labels": list(labels),
        "features": features.path.name if features is not None else None,
    }
    return ModelArtefact(steps.build("external", inputs, make, _EVALUATION_CODE))


def _train(variant: Variant, features: FeatureSets, steps: Steps) -> Path:
    def make(folder: Path) -> None:
        from models import training

        training.save(training.fit(variant, features, steps.show_bars), folder)

    inputs = {
        # What the weights depend on and no more: variants of one training share its checkpoint.
        "network": variant.network,
        "seed": variant.seed,
        "training": variant.training,
        "features": features.path.name,
    }
    return steps.build("train", inputs, make, _TRAINING_CODE, ["torch"])


def _convert(variant: Variant, features: FeatureSets, checkpoint: Path, steps: Steps) -> Path:
    def make(folder: Path) -> None:
        from models import training
        from models.conversion import convert
        from models.networks import Deployed

        network = training.load(variant, len(features.labels), checkpoint)
        clips, _ = features.split("training")
        chosen = _drawn(len(clips), CALIBRATION_CLIPS, variant.seed)
        samples = float_features(clips[chosen]).reshape(len(chosen), -1)
        done = convert(Deployed(network), folder, precision=variant.precision, samples=samples)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        notes = {"parameters": parameters, "parity": done.parity}
        (folder / "conversion.json").write_text(json.dumps(notes, indent=1))

    inputs = {
        "precision": variant.precision,
        "checkpoint": checkpoint.name,
        "calibration": [features.path.name, CALIBRATION_CLIPS, variant.seed],
    }
    packages = ["torch", "onnx", "onnx-tf", "tensorflow-cpu"]
    return steps.build("convert", inputs, make, _CONVERSION_CODE, packages)


def _drawn(total: int, number: int, seed: int) -> np.ndarray:
    """Indices of so many different clips, ascending; all where there are fewer."""
    return np.sort(np.random.default_rng(seed).permutation(total)[:number])


def _renamed(labels: np.ndarray, features: FeatureSets, names: Sequence[str]) -> np.ndarray:
    """The dataset's label indices as those of a model whose outputs have these names."""
    return np.array([list(names).index(name) for name in features.labels], np.int64)[labels]


def _accuracy(tflite: Path, features: FeatureSets, names: Sequence[str], show_bars: bool) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for name in SPLITS:
        values, labels = features.split(name)
        heard = outputs_of(tflite, values, show_bars).argmax(1)
        counts[name] = [
            asdict(item) for item in count_correct(heard, _renamed(labels, features, names), names)
        ]
    return counts


def _keep_clips(features: FeatureSets, names: Sequence[str], seed: int, folder: Path) -> None:
    values, labels = features.split("testing")
    chosen = _drawn(len(values), PARITY_CLIPS, seed)
    np.savez(folder / "clips.npz", features=values[chosen], labels=_renamed(labels[chosen], features, names))


def _facts(tflite: Path, model: ModelFile, labels: Sequence[str]) -> dict[str, Any]:
    def tensor(item: Tensor) -> dict[str, Any]:
        scale, zero_point = (item.scales[0], item.zero_points[0]) if item.scales else (0.0, 0)
        return {"shape": item.shape, "dtype": item.dtype, "scale": scale, "zero_point": zero_point}

    return {
        "schema": SCHEMA,
        "precision": model.inputs[0].dtype,
        "labels": list(labels),
        "macs": model.macs,
        "operators": model.operator_counts,
        "tflite_sha256": sha256_of(tflite),
        "tflite_bytes": tflite.stat().st_size,
        "input": tensor(model.inputs[0]),
        "output": tensor(model.outputs[0]),
    }


def _write_contents(contents: dict[str, Any], folder: Path) -> None:
    (folder / CONTENTS).write_text(json.dumps(contents, indent=1))


def _check_external(model: ModelFile, labels: Sequence[str], model_file: Path) -> None:
    for tensors, place in ((model.inputs, "input"), (model.outputs, "output")):
        if len(tensors) != 1:
            raise ConversionError(f"the model has {len(tensors)} {place}s instead of one", str(model_file))
    types = (model.inputs[0].dtype, model.outputs[0].dtype)
    if types not in (("int8", "int8"), ("float32", "float32")):
        raise ConversionError(
            f"the model's input is {types[0]}, its output {types[1]}",
            str(model_file),
            "Convert it with input and output both int8 or both float32.",
        )
    if model.outputs[0].elements != len(labels):
        raise ConversionError(
            f"the model has {model.outputs[0].elements} outputs, but {len(labels)} labels are given",
            str(model_file),
            "Name every output, in order.",
        )

"""Brings a variant, or a .tflite from elsewhere, to where a board can be built from it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import metadata as description
from models import recipes
from models.data.dataset import LABELS, DatasetConfig
from models.data.features import CHANNELS, SLICES, FeatureSets, feature_sets
from models.errors import ConversionError
from models.model_artifact import ModelArtifact
from models.recipes import Places
from models.steps import Say, Steps
from models.store import Store
from models.variants import Variant

if TYPE_CHECKING:
    from models.convert.model_file import ModelFile

__all__ = ["ModelArtifact", "evaluate", "external", "prepare", "train"]

_LONGEST_ID = 60
"""A record of the board holds 63 characters."""

_OF_THE_CONVERSION = "conversion.json"
_NOT_OF_THE_MODEL = ("inputs.json", _OF_THE_CONVERSION)


def prepare(
    variant: Variant, dataset_root: Path, store: Store, progress: Say | None = None, bars: bool = True
) -> ModelArtifact:
    """Trains, prunes or quantizes, and converts a variant; measures its accuracy.

    What the store has is taken from there. Of a variant that no board can run there is no .tflite: its
    accuracy is the network's in torch.

    Args:
        variant: see `models.variants`.
        dataset_root: a folder in the Speech Commands layout.
        store: keeps the features, the checkpoint, the conversion and the result.
        progress: told one line about each step; None for no output at all.
        bars: whether there may be progress bars, on a terminal.

    Raises:
        DatasetError: the dataset lacks something or is broken.
        ConversionError: the trained network breaks a check of the conversion.
    """
    steps = Steps(store, variant.id, progress, bars)
    features = feature_sets(dataset_root, DatasetConfig(), store, steps.show_bars)
    places = _evaluated(variant, features, steps)
    if places.converted is not None:
        _convert(variant, features, places, steps)

    def make(folder: Path) -> None:
        contents = (
            _of_no_board(variant, features, places)
            if places.converted is None
            else _of_board(variant, features, places.converted, folder, steps.show_bars)
        )
        learned = json.loads((places.trained / "training.json").read_text())
        if places.transformed is not None:
            transform = _facts_of(places.transformed)
            contents |= {name: transform[name] for name in ("before_fine_tuning", "fine_tuning", "mse")}
        contents |= {
            "id": variant.id,
            "title": variant.title,
            "network": variant.network,
            "seed": variant.seed,
            "pruning": asdict(variant.pruning) if variant.pruning else None,
            "quantization": asdict(variant.quantization) if variant.quantization else None,
            "base": {"network": variant.network, "seed": variant.seed, "training": asdict(variant.training)},
            "epochs": learned["epochs"],
            "kept_epoch": learned["kept_epoch"],
        }
        description.keep_clips(features, features.labels, variant.seed, folder)
        description.write_contents(contents, folder)

    model = (places.converted or places.transformed or places.trained).name
    return ModelArtifact(steps.build(recipes.preparation(variant, features.path.name, model), make))


def train(
    variant: Variant, dataset_root: Path, store: Store, progress: Say | None = None, bars: bool = True
) -> Path:
    """Trains a variant's network, and no more; see `prepare`.

    Returns:
        The checkpoint's folder, see `models.train.save`.
    """
    steps = Steps(store, variant.id, progress, bars)
    return _train(variant, feature_sets(dataset_root, DatasetConfig(), store, steps.show_bars), steps)


def evaluate(
    variant: Variant, dataset_root: Path, store: Store, progress: Say | None = None, bars: bool = True
) -> dict[str, Any]:
    """How well a variant recognizes in torch, without converting it: what studies compare. See `prepare`.

    Returns:
        At least "accuracy": by split label, correct and total of each label. Of a variant that is pruned or
        quantized all facts of `models.compress.transformation.transform`.
    """
    steps = Steps(store, variant.id, progress, bars)
    features = feature_sets(dataset_root, DatasetConfig(), store, steps.show_bars)
    places = _evaluated(variant, features, steps)
    if places.transformed is not None:
        return _facts_of(places.transformed)
    return json.loads((places.trained / "training.json").read_text())


def external(
    model_file: Path,
    labels: Sequence[str],
    store: Store,
    dataset_root: Path | None = None,
    progress: Say | None = None,
) -> ModelArtifact:
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
    from models.convert.model_file import read_model

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
        contents = description.of_tflite(folder / "model.tflite", model, labels) | {
            "id": identity,
            "title": model_file.stem,
            "seed": None,
            "parameters": None,
            "epochs": [],
            "kept_epoch": None,
            "accuracy": {},
        }
        if features is not None:
            contents |= description.recognition(folder / "model.tflite", features, labels, steps.show_bars)
            description.keep_clips(features, labels, DatasetConfig().seed, folder)
        description.write_contents(contents, folder)

    name = features.path.name if features is not None else None
    return ModelArtifact(steps.build(recipes.external(model_file, labels, name), make))


def _evaluated(variant: Variant, features: FeatureSets, steps: Steps) -> Places:
    """Everything up to the network whose accuracy is known in torch."""
    trained = _train(variant, features, steps)
    recipe = recipes.transform(variant, features.path.name, trained.name)
    if recipe is not None:

        def make(folder: Path) -> None:
            from models import train as training
            from models.compress import transformation

            network = training.load(variant, len(features.labels), trained)
            transformation.transform(variant, network, features, folder, steps.show_bars)

        steps.build(recipe, make)
    return recipes.places_of(variant, features.path.name, steps.store)


def _train(variant: Variant, features: FeatureSets, steps: Steps) -> Path:
    def make(folder: Path) -> None:
        from models import train as training

        training.save(training.fit(variant, features, steps.show_bars), folder)

    return steps.build(recipes.training(variant, features.path.name), make)


def _convert(variant: Variant, features: FeatureSets, places: Places, steps: Steps) -> None:
    def make(folder: Path) -> None:
        from models import train as training
        from models.compress import transformation
        from models.convert import convert
        from models.networks import Deployed, folded
        from models.sizing import sizing

        if places.transformed is not None:
            network = transformation.load_transformed(places.transformed)
        else:
            network = folded(training.load(variant, len(features.labels), places.trained))
        samples = transformation.calibration_samples(features, variant.seed)
        done = convert(Deployed(network), folder, precision=variant.precision, samples=samples)
        notes = {
            **transformation.describe(network),
            "sizing": asdict(sizing(network, variant.precision)),
            "parity": done.parity,
        }
        (folder / _OF_THE_CONVERSION).write_text(json.dumps(notes, indent=1))

    network = (places.transformed or places.trained).name
    steps.build(recipes.conversion(variant, features.path.name, network), make)


def _of_board(
    variant: Variant, features: FeatureSets, converted: Path, folder: Path, show_bars: bool
) -> dict[str, Any]:
    """The model with its files, which are copied into the folder."""
    from models.convert.model_file import read_model

    for file in converted.iterdir():
        if file.name not in _NOT_OF_THE_MODEL:
            shutil.copyfile(file, folder / file.name)
    tflite = folder / "model.tflite"
    network = json.loads((converted / _OF_THE_CONVERSION).read_text())
    return description.of_tflite(tflite, read_model(tflite), features.labels) | {
        **{name: network[name] for name in ("parameters", "remaining_parameters", "sizing")},
        **description.recognition(tflite, features, features.labels, show_bars),
    }


def _of_no_board(variant: Variant, features: FeatureSets, places: Places) -> dict[str, Any]:
    assert places.transformed is not None  # what is neither pruned nor quantized has a .tflite
    transform = _facts_of(places.transformed)
    names = ("parameters", "remaining_parameters", "macs", "accuracy", "test_heard")
    return description.of_no_file(variant.precision, features.labels) | {
        **{name: transform[name] for name in names},
        "test_labels": features.split("testing")[1].tolist(),
    }


def _facts_of(transformed: Path) -> dict[str, Any]:
    return json.loads((transformed / "transform.json").read_text())


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

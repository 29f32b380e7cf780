"""The steps from a variant to a model: what each is made of, and so where in the store it lies.

A step's inputs are what its result depends on and no more. That is why variants of one training share a
checkpoint, and why another title or another threshold makes nothing again that it does not touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.store import Store
from models.variants import Variant

CALIBRATION_CLIPS = 500
"""Training clips that show TensorFlow Lite and the quantizer the range of every tensor."""

_HERE = Path(__file__).parent
_NETWORK = ("networks", "data/features.py")
_LEARNING = ("train.py", "data/augmentation.py", *_NETWORK)
_EVALUATION = ("prepare.py", "metadata.py", "evaluation.py", "reference.py", "data/features.py")


@dataclass(frozen=True)
class Recipe:
    """One step.

    Attributes:
        step: the name of what is done.
        inputs: what it is made of, see `Store.path_of`.
        code: what does it: files and folders below models/.
        packages: whose versions matter to the result.
    """

    step: str
    inputs: Mapping[str, Any]
    code: tuple[str, ...]
    packages: tuple[str, ...] = ()

    def all_inputs(self) -> dict[str, Any]:
        """The inputs with the versions of the packages among them."""
        return {**self.inputs, "packages": {package: version(package) for package in self.packages}}

    def files(self) -> list[Path]:
        """The code by its paths."""
        return [_HERE / name for name in self.code]

    def path_in(self, store: Store) -> Path:
        """Where the result is or will be."""
        return store.path_of(self.step, self.all_inputs(), self.files())


def training(variant: Variant, features: str) -> Recipe:
    """The network's training.

    Args:
        variant: whose training.
        features: the name of the feature sets' artifact.
    """
    inputs = {
        "network": variant.network,
        "seed": variant.seed,
        "training": variant.training,
        "features": features,
    }
    return Recipe("train", inputs, _LEARNING, ("torch",))


def transform(variant: Variant, features: str, checkpoint: str) -> Recipe | None:
    """What is done to the trained network: pruning, quantization, fine-tuning. None if nothing is.

    Args:
        variant: whose.
        features: see `training`.
        checkpoint: the name of the training's artifact.
    """
    if variant.pruning is None and variant.quantization is None:
        return None
    inputs = {
        "checkpoint": checkpoint,
        "features": features,
        "seed": variant.seed,
        "training": variant.training,
        "pruning": variant.pruning,
        "quantization": variant.quantization,
        "calibration clips": CALIBRATION_CLIPS,
    }
    code = ["compress/transformation.py", "compress/transforms.py", *_LEARNING]
    packages = ["torch"]
    if variant.pruning is not None:
        code.append("compress/pruning")
    if variant.pruning is not None and variant.pruning.kind == "channels":
        packages.append("torch-pruning")
    if variant.quantization is not None:
        code.append("compress/quantization")
        if variant.quantization.number == "minifloat":
            packages.append("brevitas")
    return Recipe("transform", inputs, tuple(code), tuple(packages))


def conversion(variant: Variant, features: str, network: str) -> Recipe:
    """The conversion to a .tflite.

    Args:
        variant: whose.
        features: see `training`.
        network: the name of the artifact of the transform, or of the training where there is none.
    """
    inputs = {
        "precision": variant.precision,
        "network": network,
        "calibration": [features, CALIBRATION_CLIPS, variant.seed],
    }
    packages = ("torch", "onnx", "onnx-tf", "tensorflow-cpu")
    return Recipe(
        "convert", inputs, ("compress/transformation.py", "sizing.py", "convert", *_NETWORK), packages
    )


def preparation(variant: Variant, features: str, model: str) -> Recipe:
    """The description of the model, with its accuracy.

    Args:
        variant: whose.
        features: see `training`.
        model: the name of the artifact of the conversion, or of the transform of what no board can run.
    """
    return Recipe("prepare", {"variant": variant, "model": model, "features": features}, _EVALUATION)


def external(model_file: Path, labels: Sequence[str], features: str | None) -> Recipe:
    """The description of a .tflite from elsewhere.

    Args:
        model_file: the .tflite.
        labels: the names of its outputs.
        features: see `training`; None where its accuracy is not measured.
    """
    inputs = {"model": model_file, "labels": list(labels), "features": features}
    return Recipe("external", inputs, _EVALUATION)


@dataclass(frozen=True)
class Places:
    """Where the artifacts of a variant are or will be.

    Attributes:
        trained: the checkpoint.
        transformed: the pruned or quantized network; None where nothing is done to it.
        converted: the .tflite; None where no board can run it.
        prepared: all of it, described.
    """

    trained: Path
    transformed: Path | None
    converted: Path | None
    prepared: Path


def places_of(variant: Variant, features: str, store: Store) -> Places:
    """Where the artifacts of a variant are or will be; nothing is computed.

    Args:
        variant: which.
        features: the name of the feature sets' artifact.
        store: keeps them.
    """
    trained = training(variant, features).path_in(store)
    transforming = transform(variant, features, trained.name)
    transformed = transforming.path_in(store) if transforming is not None else None
    network = transformed or trained
    converted = conversion(variant, features, network.name).path_in(store) if variant.deployable else None
    prepared = preparation(variant, features, (converted or network).name).path_in(store)
    return Places(trained, transformed, converted, prepared)

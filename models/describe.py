"""Contents of a model's folder: the facts in model.json, and test clips."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.data.features import FeatureSets
from models.evaluation import count_correct, outputs_of, predictions_of
from models.tflite import Tensor, TfliteModel

PARITY_CLIPS = 256
"""Test clips stored with a model: the board's outputs are compared with the reference kernels' on them."""


def describe_tflite(tflite: Path, model: TfliteModel, labels: Sequence[str]) -> dict[str, Any]:
    """Collect the facts of model.json that follow from a .tflite.

    Args:
        tflite: the file.
        model: its content.
        labels: names of its outputs.
    """

    def tensor(item: Tensor) -> dict[str, Any]:
        quantization = item.quantization
        scale, zero_point = (
            (quantization.scales[0], quantization.zero_points[0]) if quantization else (0.0, 0)
        )
        return {"shape": item.shape, "dtype": item.type, "scale": scale, "zero_point": zero_point}

    content = tflite.read_bytes()
    return {
        "precision": model.input_tensors[0].type,
        "labels": list(labels),
        "macs": model.macs,
        "operators": model.operator_counts,
        "tflite_sha256": model.sha256,
        "tflite_bytes": len(content),
        "compressed_bytes": len(zlib.compress(content, 9)),
        "input": tensor(model.input_tensors[0]),
        "output": tensor(model.output_tensors[0]),
    }


def describe_torch_only(
    precision: str, features: FeatureSets, compressed: Mapping[str, Any]
) -> dict[str, Any]:
    """Collect the facts of a model that no board can run.

    Args:
        precision: "float32" or "int8".
        features: the dataset's.
        compressed: written by `models.compress.step.compress`.
    """
    names = ("parameters", "remaining_parameters", "macs", "accuracy", "test_predictions")
    return {
        "deployable": False,
        "precision": precision,
        "labels": list(features.labels),
        "operators": {},
        **{name: compressed[name] for name in names},
        "test_labels": features.split("testing")[1].tolist(),
    }


def evaluate_tflite(
    tflite: Path, model: TfliteModel, features: FeatureSets, labels: Sequence[str]
) -> dict[str, Any]:
    """Measure the accuracy of a .tflite by the reference kernels; of training clips see `predictions_of`.

    Args:
        tflite: a model of the front end's features with the dataset's labels, in any order.
        model: its content.
        features: the dataset's; its test set is needed.
        labels: names of the model's outputs.

    Returns:
        `accuracy`, by split, per label correct and total; `test_predictions` and `test_labels`, per test clip
        the index of the predicted and of the right label.
    """
    accuracy: dict[str, Any] = {}
    front_end = features.front_end.name
    for name in features.splits:
        values, right = features.split(name)
        if name == "training":
            predictions = predictions_of(tflite, model, values, front_end)
        else:
            predictions = outputs_of(tflite, values, front_end).argmax(1)
        right = _as_outputs(right, features, labels)
        accuracy[name] = [asdict(item) for item in count_correct(predictions, right, labels)]
        if name == "testing":
            test = {"test_predictions": predictions.tolist(), "test_labels": right.tolist()}
    return {"accuracy": accuracy, **test}


def write_clips(features: FeatureSets, labels: Sequence[str], seed: int, folder: Path) -> None:
    """Write clips.npz: test clips drawn from the seed, all of them if there are few."""
    values, right = features.split("testing")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(values))[:PARITY_CLIPS])
    np.savez(
        folder / "clips.npz", features=values[chosen], labels=_as_outputs(right[chosen], features, labels)
    )


def _as_outputs(right: np.ndarray, features: FeatureSets, labels: Sequence[str]) -> np.ndarray:
    """Translate the dataset's label indices to those of a model with these outputs; -1 has no clips."""
    outputs = [labels.index(name) if name in labels else -1 for name in features.labels]
    return np.array(outputs, np.int64)[right]

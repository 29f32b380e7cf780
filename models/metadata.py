"""What model.json says of a model, and the test clips that go with it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.dataset import SPLITS
from models.data.features import FeatureSets
from models.evaluation import count_correct, outputs_of
from models.model_artifact import CONTENTS, SCHEMA
from models.store import sha256_of

if TYPE_CHECKING:
    from models.convert.model_file import ModelFile, Tensor

PARITY_CLIPS = 256
"""Test clips that go with a model: the board's outputs are compared with the reference kernels' on them."""


def of_tflite(tflite: Path, model: ModelFile, labels: Sequence[str]) -> dict[str, Any]:
    """What the file itself tells.

    Args:
        tflite: the file.
        model: what it holds.
        labels: the names of its outputs.
    """

    def tensor(item: Tensor) -> dict[str, Any]:
        scale, zero_point = (item.scales[0], item.zero_points[0]) if item.scales else (0.0, 0)
        return {"shape": item.shape, "dtype": item.dtype, "scale": scale, "zero_point": zero_point}

    return {
        "schema": SCHEMA,
        "deployable": True,
        "precision": model.inputs[0].dtype,
        "labels": list(labels),
        "macs": model.macs,
        "operators": model.operator_counts,
        "tflite_sha256": sha256_of(tflite),
        "tflite_bytes": tflite.stat().st_size,
        "compressed_bytes": len(zlib.compress(tflite.read_bytes(), 9)),
        "input": tensor(model.inputs[0]),
        "output": tensor(model.outputs[0]),
    }


def of_no_file(precision: str, labels: Sequence[str]) -> dict[str, Any]:
    """The same of a model that no board can run: there is no file."""
    nothing = dict.fromkeys(("tflite_sha256", "tflite_bytes", "input", "output"))
    return {
        "schema": SCHEMA,
        "deployable": False,
        "precision": precision,
        "labels": list(labels),
        "operators": {},
        **nothing,
    }


def recognition(tflite: Path, features: FeatureSets, names: Sequence[str], show_bars: bool) -> dict[str, Any]:
    """How much a .tflite recognizes.

    Args:
        tflite: a model of micro features with the dataset's labels, in whatever order.
        features: the dataset's.
        names: of the model's outputs.
        show_bars: whether to show the clips on stderr as they pass.

    Returns:
        `accuracy`, by split label, correct and total of each label; `test_heard` and `test_labels`, for each
        clip of the test set the index of the label that was heard and of the right one.
    """
    counts: dict[str, Any] = {}
    answers: dict[str, list[list[int]]] = {}
    for name in SPLITS:
        values, labels = features.split(name)
        heard = outputs_of(tflite, values, show_bars).argmax(1)
        right = _renamed(labels, features, names)
        counts[name] = [asdict(item) for item in count_correct(heard, right, names)]
        answers[name] = [heard.tolist(), right.tolist()]
    heard_in_test, labels_of_test = answers["testing"]
    return {"accuracy": counts, "test_heard": heard_in_test, "test_labels": labels_of_test}


def keep_clips(features: FeatureSets, names: Sequence[str], seed: int, folder: Path) -> None:
    """Writes clips.npz: test clips drawn from the seed, all where there are few."""
    values, labels = features.split("testing")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(values))[:PARITY_CLIPS])
    np.savez(folder / "clips.npz", features=values[chosen], labels=_renamed(labels[chosen], features, names))


def write_contents(contents: dict[str, Any], folder: Path) -> None:
    """Writes model.json."""
    (folder / CONTENTS).write_text(json.dumps(contents, indent=1))


def _renamed(labels: np.ndarray, features: FeatureSets, names: Sequence[str]) -> np.ndarray:
    """The dataset's label indices as those of a model whose outputs have these names."""
    return np.array([list(names).index(name) for name in features.labels], np.int64)[labels]

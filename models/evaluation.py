"""Evaluation: outputs of a .tflite for many clips, and counts of correct predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models import progress
from models.metrics import LabelCount
from models.reference import ReferenceModel


def count_correct(predictions: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[LabelCount]:
    """Count the clips of each label, and those of them that were predicted as that label.

    Args:
        predictions: index of the predicted label, int (N,).
        labels: index of the right label, int (N,).
        names: of the labels in order.
    """
    return [
        LabelCount(
            name, int(((labels == index) & (predictions == index)).sum()), int((labels == index).sum())
        )
        for index, name in enumerate(names)
    ]


def outputs_of(tflite: Path, features: np.ndarray, front_end: str = "micro") -> np.ndarray:
    """Compute a model's raw outputs (N, outputs) with the reference kernels; a board gives the same.

    Args:
        tflite: a model that takes the front end's features.
        features: uint16 (N, 49, channels), the integers of the front end.
        front_end: one of `models.data.front_ends`.
    """
    model = ReferenceModel(tflite, front_end)
    advance = progress.count(len(features), "clips")
    outputs = []
    for clip in features:
        outputs.append(model.raw_output(model.tensor_of(clip)))
        advance()
    return np.stack(outputs)

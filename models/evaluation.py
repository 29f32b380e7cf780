"""Evaluation: outputs of a .tflite for many clips, and counts of correct predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models import progress
from models.interpreter import OPTIMIZED
from models.metrics import LabelCount
from models.reference import ReferenceModel
from models.tflite import TfliteModel

_CLEAR, _CLEAR_STEPS = 0.1, 8
"""Distance of the two largest outputs, in their unit and in quantization steps, beyond which the optimized
kernels decide: they differ from the reference kernels in the last bit, for 0.1 % of the clips."""


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


def predictions_of(
    tflite: Path, model: TfliteModel, features: np.ndarray, front_end: str = "micro"
) -> np.ndarray:
    """Compute the index of the largest output of each clip, int64 (N,), as the reference kernels do.

    The optimized kernels, twenty times as fast, decide the clear cases of a model without state.

    Args:
        tflite: a model that takes the front end's features.
        model: its content.
        features: see `outputs_of`.
        front_end: one of `models.data.front_ends`.
    """
    if any(tensor.variable for tensor in model.tensors) or "VAR_HANDLE" in model.operator_counts:
        return outputs_of(tflite, features, front_end).argmax(1)  # the outputs depend on the clips before
    fast = ReferenceModel(tflite, front_end, OPTIMIZED)
    outputs = np.stack([fast.probabilities(fast.tensor_of(clip)) for clip in features])
    second, largest = np.sort(outputs, axis=1)[:, -2:].T
    predictions = outputs.argmax(1)
    close = largest - second < max(_CLEAR, _CLEAR_STEPS * fast.output_step)
    if close.any():
        predictions[close] = outputs_of(tflite, features[close], front_end).argmax(1)
    return predictions

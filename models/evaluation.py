"""How well a model recognizes: the outputs of a .tflite for many clips, and the count of what was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.reference import ReferenceModel


@dataclass(frozen=True)
class LabelCount:
    """How often a label was recognized: `correct` of `total` samples."""

    label: str
    correct: int
    total: int


def count_correct(heard: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[LabelCount]:
    """How many clips of each label were heard as that label.

    Args:
        heard: the label that was recognized, int (N,).
        labels: the right one, int (N,).
        names: of the labels, in order.
    """
    return [
        LabelCount(name, int(((labels == index) & (heard == index)).sum()), int((labels == index).sum()))
        for index, name in enumerate(names)
    ]


def outputs_of(tflite: Path, features: np.ndarray, show_bar: bool = False) -> np.ndarray:
    """The raw outputs of a model, by the reference kernels: what a board gives too.

    Args:
        tflite: a model that takes micro features.
        features: uint16 (N, 49, 40), the integers of the front end.
        show_bar: whether to show the clips on stderr as they pass.

    Returns:
        (N, outputs) of the model's own type.
    """
    model = ReferenceModel(tflite)
    clips = tqdm(features, desc="evaluation", unit=" clips", disable=not show_bar, leave=False)
    return np.stack([model.raw_output(model.tensor_of(clip)) for clip in clips])

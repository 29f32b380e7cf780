"""Figures of training and evaluation, shared by artifacts and records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelCount:
    """Clips of a label, and the number of recognized ones."""

    label: str
    correct: int
    total: int


@dataclass(frozen=True)
class TrainingEpoch:
    """One epoch of training; losses are mean cross entropy, accuracies 0 to 1.

    Training figures are taken during the epoch: augmented, with dropout, while the weights move.
    """

    epoch: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float

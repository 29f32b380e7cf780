"""The record of a study: every network with the label that it predicted for each clip of the test set.

Lists of clips have the order of the test set: clip i is right if `predictions[i] == test_labels[i]`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.files import write_atomic
from harness.records.record import Fault

SCHEMA = 1
RECORD = "study.json"


@dataclass(frozen=True)
class Network:
    """A network and its predictions on the test set.

    Attributes:
        predictions: index of the predicted label of each clip.
        parameters: number of weights and biases, batch normalization folded.
        remaining_parameters: number of those that are not zero.
        macs: multiply-accumulates of one inference, two operations each.
    """

    predictions: list[int]
    parameters: int
    remaining_parameters: int
    macs: int

    @property
    def operations(self) -> int:
        return 2 * self.macs


@dataclass(frozen=True)
class Baseline:
    """A trained float32 network before it was pruned or quantized.

    Attributes:
        seed: seed of its training.
        training: values of what else varies in the training, such as "l1 = 0.001".
        network: the network.
    """

    seed: int
    training: str
    network: Network


@dataclass(frozen=True)
class Point:
    """One network of a study.

    Attributes:
        id, title: those of the variant.
        seed: seed of its training.
        x: place on the study's axis.
        series: line that it belongs to, such as "aware".
        baseline: key of the record's baseline that it was made of.
        before: the network right after pruning or quantization; None where it failed.
        after: the network after fine-tuning, if there was any.
        mse: mean squared error of the probabilities to the baseline's on the test set.
        failure: reason why there is no network.
    """

    id: str
    title: str
    seed: int
    x: float
    series: str
    baseline: str | None = None
    before: Network | None = None
    after: Network | None = None
    mse: float | None = None
    failure: Fault | None = None


@dataclass(frozen=True)
class Plot:
    """A measure ("accuracy", "accuracy-before", "mse") over the study's x or over a size of the network
    ("parameters", "remaining", "operations")."""

    measure: str
    over: str


@dataclass(frozen=True)
class StudyRecord:
    """The results of a study.

    Attributes:
        schema: see `SCHEMA`.
        name, title, question: those of its file.
        network: name of the network, such as "TinyConv".
        x: name of the axis, such as "bits".
        reference: series that the others are compared with; "" for the networks as trained.
        labels: names of the labels in the order of their indices.
        test_labels: index of the right label of each clip.
        points: in the order of the file.
        baselines: by key.
        plots: those of its file.
        run: "started", "ended" (ISO 8601), "seconds" and "dataset".
        code, environment: provenance, as in a run record.
    """

    schema: int
    name: str
    title: str
    question: str
    network: str
    x: str
    reference: str
    labels: list[str]
    test_labels: list[int]
    points: list[Point]
    baselines: dict[str, Baseline]
    plots: list[Plot] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)
    code: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def right(self, network: Network) -> list[bool]:
        """Return for each clip whether the prediction is right."""
        return [found == label for found, label in zip(network.predictions, self.test_labels, strict=True)]

    def accuracy(self, network: Network) -> float:
        """Return the share of right predictions, 0 to 1."""
        return sum(self.right(network)) / len(self.test_labels)


def write_study(record: StudyRecord, path: Path) -> None:
    """Write the record atomically."""
    write_atomic(json.dumps(asdict(record)), path)

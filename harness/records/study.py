"""The record of a study: every network with the label that it predicted for each clip of the test set.

Lists of clips have the order of the test set: clip i is right if `predictions[i] == test_labels[i]`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict

from harness.files import write_atomic
from harness.records.record import Code, Fault, LinuxRow

SCHEMA = 1
RECORD = "study.json"


@dataclass(frozen=True)
class Power:
    """Power and energy of a network on the computer that ran it, by a meter."""

    joules: float  # of an inference, with what the idle computer takes in the same time
    net_joules: float  # of an inference, without that
    idle_watts: float
    peak_watts: float | None  # highest sample of the meter; None if other processes worked meanwhile


@dataclass(frozen=True)
class Network:
    """A network and its predictions on the test set."""

    predictions: list[int]  # index of the predicted label of each clip
    parameters: int  # number of weights and biases, batch normalization folded
    unfolded_parameters: int  # the same with the two of each normalized channel, as in training
    remaining_parameters: int  # number of those that are not zero
    macs: int  # multiply-accumulates of one inference, two operations each
    linux: LinuxRow | None = None  # of the network as ONNX, if the study measures that
    power: Power | None = None  # if a meter measured it
    not_measured: str = ""  # reason why it, or its power, could not be measured

    @property
    def operations(self) -> int:
        return 2 * self.macs


@dataclass(frozen=True)
class Baseline:
    """A trained float32 network before it was pruned or quantized."""

    seed: int  # of its training
    training: str  # values of what else varies in the training, such as "l1 = 0.001"
    network: Network


@dataclass(frozen=True)
class Point:
    """One network of a study."""

    id: str  # of the variant, like `title`
    title: str
    seed: int  # of its training
    x: float  # place on the study's axis
    series: str  # line that it belongs to, such as "aware"
    baseline: str | None = None  # key of the record's baseline that it was made of
    before: Network | None = None  # the network right after pruning or quantization; None where it failed
    after: Network | None = None  # the network after fine-tuning, if there was any
    fine_tune_epochs: int = 0  # passes over the training set
    mse: float | None = None  # mean squared error of the probabilities to the baseline's on the test set
    failure: Fault | None = None  # reason why there is no network


@dataclass(frozen=True)
class Plot:
    """A measure ("accuracy", "accuracy-before", "mse") over the study's x or over a size of the network
    ("parameters", "remaining", "operations")."""

    measure: str
    over: str


class Span(TypedDict, total=False):
    """When a study was computed (ISO 8601, UTC), how long it took, and on which dataset."""

    started: str
    ended: str
    seconds: float
    dataset: str


@dataclass(frozen=True)
class StudyRecord:
    """The results of a study."""

    schema: int
    name: str  # of the study's file, like `title` and `question`
    title: str
    question: str
    network: str  # such as "TinyConv"
    x: str  # its axis, such as "bits"
    reference: str  # series that the others are compared with; "" for the networks as trained
    labels: list[str]  # in the order of their indices
    test_labels: list[int]  # index of the right label of each clip or image
    points: list[Point]  # in the order of the file
    baselines: dict[str, Baseline]
    plots: list[Plot] = field(default_factory=list)  # of the study's file
    samples: str = "clips"  # or "images": kind of the test set's members
    computer: str = ""  # that ran the networks as ONNX
    meter: str = ""  # that measured its power
    run: Span = field(default_factory=lambda: Span())
    code: Code = field(default_factory=lambda: Code())  # provenance, like `environment`, as in a run record
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

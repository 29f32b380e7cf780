"""A study's record: every point with what its network heard, clip by clip. All that is said of it is derived.

Lists of clips have the order of the test set: `labels[test_labels[i]]` is right for clip i, and the network
of a point heard `labels[point.after.heard[i]]`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.files import write_atomic
from harness.records.reading import RecordFormat
from harness.records.record import Fault

SCHEMA = 1
RECORD = "study.json"

STATES = ("trained", "before", "after")
"""A network as it was trained, right after pruning or quantization, and after fine-tuning."""


@dataclass(frozen=True)
class Network:
    """A network and what it made of the test set.

    Attributes:
        heard: the index of the label heard, clip by clip.
        parameters: weights and biases, batch normalization folded.
        remaining_parameters: those of them that are not zero.
        macs: multiply-accumulates of one inference, of two operations each.
    """

    heard: list[int]
    parameters: int
    remaining_parameters: int
    macs: int


@dataclass(frozen=True)
class Point:
    """One network of a study.

    Attributes:
        id, title: the variant's.
        seed: of its training.
        x: where it stands on the study's axis.
        series: the line it belongs to.
        at: its values of all that varies in the study, as text by name: {"method": "aware", "bits": "4"}.
        baseline: which of the record's baselines it was made of.
        before: right after pruning or quantization; None where it failed.
        after: after fine-tuning, where there was any.
        mse: mean squared error of the probabilities to the baseline's on the test set.
        failure: why there is nothing.
    """

    id: str
    title: str
    seed: int
    x: float
    series: str
    at: dict[str, str]
    baseline: str | None = None
    before: Network | None = None
    after: Network | None = None
    mse: float | None = None
    failure: Fault | None = None


@dataclass(frozen=True)
class Baseline:
    """A network as it was trained, in float32.

    Attributes:
        seed: of its training.
        at: like a point's, of what concerns the training.
        network: itself.
    """

    seed: int
    at: dict[str, str]
    network: Network


@dataclass(frozen=True)
class Claim:
    """What a study is to show: one way recognizes more of the clips than another, by more than a margin.

    Attributes:
        text: for people, without a full stop.
        this, that: the points that are compared, by the values they may have: {"bits": ["2", "3"]}. Each of
            `this` is paired with the one of `that` which differs from it only in what both name
            differently; without values it is the same point.
        this_state, that_state: one of `STATES`.
        margin: by how much more, 0 to 1; -0.02 is "no more than two points worse".
    """

    text: str
    this: dict[str, list[str]]
    that: dict[str, list[str]]
    this_state: str = "after"
    that_state: str = "after"
    margin: float = 0.0


@dataclass(frozen=True)
class Plot:
    """`measure` ("accuracy", "accuracy-before", "mse") over the study's x, or over a size of the network
    ("parameters", "remaining", "operations")."""

    measure: str
    over: str


@dataclass(frozen=True)
class StudyRecord:
    """A study as it was run.

    Attributes:
        schema: see `SCHEMA`.
        name, title, question: of its file.
        network: for people, such as "TinyConv".
        x: the name of what goes along the axis, such as "bits".
        labels: the names of the labels, in the order of their indices.
        test_labels: the right label of each clip.
        points: in the order of the file.
        baselines: by name.
        claims, plots: of its file.
        run: "started", "ended" (ISO 8601), "seconds", and the "dataset".
        code, environment: provenance, as in a night record.
    """

    schema: int
    name: str
    title: str
    question: str
    network: str
    x: str
    labels: list[str]
    test_labels: list[int]
    points: list[Point]
    baselines: dict[str, Baseline]
    claims: list[Claim] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)
    code: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def network_of(self, point: Point, state: str) -> Network | None:
        """A point's network in one of `STATES`; None where it failed."""
        if state == "trained":
            return self.baselines[point.baseline].network if point.baseline is not None else None
        return point.before if state == "before" else point.after

    def right(self, network: Network) -> list[bool]:
        """Whether each clip was heard right."""
        return [heard == label for heard, label in zip(network.heard, self.test_labels, strict=True)]

    def accuracy(self, network: Network) -> float:
        """The share of the test set that was heard right, 0 to 1."""
        return sum(self.right(network)) / len(self.test_labels)


_FORMAT = RecordFormat(
    StudyRecord,
    name="study record",
    schema=SCHEMA,
    command="earshot study",
    remedy="Make it again with `earshot study`",
)


def read_study(path: Path) -> StudyRecord:
    """Read the record that `write_study` wrote; see `RecordFormat.read`."""
    return _FORMAT.read(path)


def write_study(record: StudyRecord, path: Path) -> None:
    """Writes the record; a file under its final name is whole."""
    write_atomic(json.dumps(asdict(record)), path)

"""Input files of MLPerf Tiny's keyword benchmark, in the layout of its runner: y_labels.csv and .bin files.

Source: mlcommons/tiny, make_bin_files.py in benchmark/training/keyword_spotting and datasets.py in
benchmark/runner.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.files import write_atomic
from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.data.splits import check_splits
from models.decoding import read_file
from models.model_artifact import ModelArtifact, TensorFacts
from models.store import Store

LABELS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
"""Outputs of the benchmark's model, in order."""
MOST_FILES = 1000
"""Files of the benchmark's own set."""
TRUTH = "y_labels.csv"


@dataclass(frozen=True)
class InputFile:
    """An input of the model with the index of its right label; None for a random one."""

    name: str
    tensor: bytes
    label: int | None


def read_files(folder: Path, model: ModelArtifact) -> list[InputFile]:
    """Read a folder of the benchmark.

    Raises:
        UsageError: a file is missing, a row is not valid, or the files do not suit the model.
    """
    truth = folder / TRUTH
    size = _bytes(model.input)
    try:
        with truth.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        raise UsageError(
            f"the list of the benchmark's files cannot be read ({getattr(reason, 'strerror', reason)})",
            where=str(truth),
            remedy="Name the folder that has y_labels.csv and the .bin files.",
        ) from None

    def refusal(number: int, what: str, remedy: str) -> UsageError:
        return UsageError(what, where=f"{truth}, row {number}", remedy=remedy)

    found = []
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if len(cells) < 3 or not all(cell.isascii() and cell.isdigit() for cell in cells[1:3]):
            raise refusal(number, f"{','.join(row)!r} is no row", "Write: file, number of classes, class.")
        classes, label = int(cells[1]), int(cells[2])
        if classes != len(model.labels) or label >= classes:
            what = f"class {label} of {classes} is none of the model's {len(model.labels)} outputs"
            raise refusal(number, what, "Name the files that belong to the model.")
        path = folder / cells[0]
        try:
            tensor = read_file(path)
        except OSError as reason:
            raise refusal(number, f"{cells[0]} cannot be read ({reason.strerror})", "Restore it.") from None
        if len(tensor) != size:
            what = f"{cells[0]} has {len(tensor)} bytes; the model takes {size}"
            raise refusal(number, what, "Name the files that belong to the model.")
        found.append(InputFile(cells[0], tensor, label))
    if not found:
        raise UsageError("the list names no file", where=str(truth), remedy="Copy it again.")
    return found


def make_files(dataset: Path, model: ModelArtifact, store: Store, folder: Path) -> list[InputFile]:
    """Make the benchmark's files of a dataset's test clips, at most 1,000, and write them into a folder.

    Features are quantized as the reference does it: divided by the scale and cut off, not rounded.

    Raises:
        DatasetError: the dataset lacks something.
    """
    words = [label for label in model.labels if label not in ("silence", "unknown")]
    config = DatasetConfig.of(words)
    check_splits(dataset, config, ["testing"])
    features = feature_sets(dataset, config, store, model.front_end, ["testing"])
    clips, labels = features.split("testing")
    facts = model.input
    assert facts is not None  # a model for boards
    chosen = np.linspace(0, len(clips) - 1, min(len(clips), MOST_FILES)).astype(int)
    found = []
    for number, clip in enumerate(chosen):
        values = features.front_end.values(clips[clip])
        if facts["dtype"] == "int8":
            steps = np.trunc(values / np.float32(facts["scale"]) + facts["zero_point"])
            values = np.clip(steps, -128, 127).astype(np.int8)
        label = model.labels.index(features.labels[labels[clip]])
        name = f"tst_{number:06d}_{model.labels[label]}_{label}.bin"
        found.append(InputFile(name, values.tobytes(), label))
    folder.mkdir(parents=True, exist_ok=True)
    for file in found:
        write_atomic(file.tensor, folder / file.name)
    rows = [f"{file.name}, {len(model.labels)}, {file.label}\n" for file in found]
    write_atomic("".join(rows), folder / TRUTH)
    return found


def random_files(inputs: np.ndarray) -> list[InputFile]:
    """Return random inputs, for performance only."""
    return [InputFile(f"random {number}", values.tobytes(), None) for number, values in enumerate(inputs)]


def _bytes(facts: TensorFacts | None) -> int:
    assert facts is not None  # a model for boards
    return math.prod(facts["shape"]) * np.dtype(facts["dtype"]).itemsize

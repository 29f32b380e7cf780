"""Results of MLPerf Tiny's keyword benchmark on a board."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from harness.files import write_atomic
from harness.records.checksum import dump_with_checksum
from harness.records.record import BoardRow, Code, Count, FirmwareRow, ModelRow

SCHEMA = 1


@dataclass(frozen=True)
class Window:
    """Inferences in a row on one input, timed by the board's clock, or by the meter in energy mode."""

    file: str
    invocations: Annotated[int, Meta(ge=1)]
    taken_us: Annotated[int, Meta(gt=0)]
    joules: Annotated[float, Meta(gt=0)] | None = None  # in energy mode

    @property
    def inference_us(self) -> float:
        return self.taken_us / self.invocations

    @property
    def inference_joules(self) -> float | None:
        return None if self.joules is None else self.joules / self.invocations


@dataclass(frozen=True)
class LabelAccuracy:
    """Files of one label that were classified."""

    label: str
    correct: Count
    total: Count


@dataclass(frozen=True)
class MlperfRecord:
    """Accuracy and performance of one model on one board, by the benchmark's rules."""

    run: dict[str, str]  # "started" and "ended" (ISO 8601, UTC), "command"
    code: Code
    environment: dict[str, str]
    id: str  # of the model, from the name of its file
    board: BoardRow
    model: ModelRow
    firmware: FirmwareRow
    inputs: str  # "files", "dataset" or "random"
    source: str  # the folder that the inputs are from; "" for random ones
    files: Count
    outputs_equal: Count  # of `files`: the board's output is the reference kernels'
    accuracy: list[LabelAccuracy]  # in the order of the outputs; [] for random inputs
    windows: list[Window]
    meter: str = ""  # of energy mode
    schema: int = SCHEMA
    checksum: str = ""

    @property
    def inference_us(self) -> float:
        """Median of the windows."""
        return statistics.median(window.inference_us for window in self.windows)

    @property
    def inference_joules(self) -> float | None:
        """Return the median of the windows in J; None in performance mode."""
        found = [window.inference_joules for window in self.windows if window.inference_joules is not None]
        return statistics.median(found) if found else None

    @property
    def correct(self) -> int:
        return sum(one.correct for one in self.accuracy)


def write_mlperf(record: MlperfRecord, path: Path) -> None:
    """Write a record with its checksum, atomically."""
    write_atomic(dump_with_checksum(msgspec.to_builtins(record)), path)

"""Measurement of ONNX models by ONNX Runtime in a process of its own, here or on a small Linux computer."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np

from harness.boards.small_linux.computer import Computer
from harness.errors import AccuracyFailed, Unsupported
from harness.records.record import LinuxRow
from models.convert.parity import TOLERANCE

INFERENCES = 300
"""Timed inferences: the 95th percentile is then the 15th slowest."""


def measure_onnx(
    model: Path,
    inputs: np.ndarray,
    expected: np.ndarray | None = None,
    *,
    threads: int = 1,
    inferences: int = INFERENCES,
    tolerance: float = TOLERANCE,
    computer: Computer | None = None,
) -> tuple[LinuxRow, np.ndarray]:
    """Compare an ONNX model's outputs with the expected ones, then time it and take its memory.

    Args:
        model: the .onnx, with a batch of 1.
        inputs: (N, ...) inputs to compare; the first one is timed.
        expected: (N, outputs) from another runtime; None compares nothing.
        threads: that one operator may use.
        tolerance: largest allowed difference of an output; see `models.convert.parity`.
        computer: None for this host.

    Returns:
        The figures, and the output of the first input.

    Raises:
        AccuracyFailed: the outputs differ; nothing was timed.
        Unsupported: ONNX Runtime does not run the model.
        EarshotError: the computer cannot be used.
    """
    computer = computer or Computer()
    packed = io.BytesIO()
    np.savez(packed, inputs=inputs, **({} if expected is None else {"expected": expected}))
    options = {"threads": threads, "inferences": inferences, "tolerance": tolerance}
    answer = computer.run_model(
        model, packed.getvalue(), [f"--{name}={value}" for name, value in options.items()]
    )
    where = f"{model.name} on {computer.title}"
    if problem := answer.get("problem"):
        raise Unsupported(f"ONNX Runtime cannot run the model: {problem}", where=where)
    output = np.array(answer.pop("output"), np.float32)
    if not answer["samples_us"]:
        raise AccuracyFailed(
            f"the outputs differ from the reference by {answer['difference']:.2g}, more than {tolerance:g}",
            where=where,
            remedy="Nothing was timed. Compare ONNX Runtime's versions here and there.",
        )
    return msgspec.convert({**answer, "tolerance": tolerance}, LinuxRow), output

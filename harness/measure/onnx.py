"""Measurement of ONNX models by ONNX Runtime in a process of its own, here or on a small Linux computer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from harness.boards.small_linux.computer import Computer
from harness.errors import AccuracyFailed, Unsupported
from harness.measure.conformance import largest_difference
from harness.measure.host import NOT_QUANTIZED, expected_output, float_input
from harness.measure.session import golden_input, inputs_of
from harness.records.record import HostRow, LinuxRow
from harness.sound.recordings import Recording
from models import progress
from models.model_artifact import ModelArtifact
from models.reference import TOLERANCE, ReferenceModel

INFERENCES = 300
"""Timed inferences: the 95th percentile is then the 15th slowest."""

_COMPARED = 20
"""Inputs whose outputs are compared, beside the one that is timed."""


def time_linux(
    model: ModelArtifact,
    recordings: Sequence[Recording],
    computer: Computer,
    board_output: np.ndarray | None = None,
) -> list[HostRow]:
    """Time a model's float network on a small Linux computer, with one thread and with all cores.

    Outputs that differ from torch's on this host end the measurement.

    Args:
        recordings: give the input on which devices are compared, see `golden_input`.
        computer: runs the model.
        board_output: see `harness.measure.host.time_host`.

    Raises:
        EarshotError: see `measure_onnx`.
    """
    if not (model.onnx and model.torchscript):
        raise Unsupported(
            "a small Linux computer runs ONNX models, and this model is a .tflite only",
            where=model.name,
            remedy="Leave out --model, or name another board.",
        )
    import torch  # here: that takes 2 s of processor time, and most runs time no small Linux computer

    reference = ReferenceModel(model.tflite, model.front_end)
    inputs = inputs_of(model, reference, recordings)
    golden = golden_input(reference, recordings, inputs)
    floats = np.concatenate([float_input(reference, each) for each in (golden, *inputs[:_COMPARED])])
    network = torch.jit.load(str(model.torchscript)).eval()
    with torch.inference_mode():
        expected = np.concatenate([network(torch.from_numpy(each[None])).numpy() for each in floats])
    compared_with, comparison = expected_output(model, reference, golden, board_output)
    quantization = NOT_QUANTIZED if model.precision == "int8" else ""
    rows = []
    for threads in sorted({1, computer.machine.cores}):
        with progress.task(f"time on {computer.name}, threads: {threads}"):
            figures, output = measure_onnx(model.onnx, floats, expected, threads=threads, computer=computer)
        low, median, high = np.percentile(figures.samples_us, [25, 50, 75]).tolist()
        rows.append(
            HostRow(
                device="linux",
                device_name=", ".join(filter(None, (computer.machine.title, computer.host))),
                runtime="onnxruntime",
                threads=threads,
                invocations=len(figures.samples_us),
                median_us=median,
                p25_us=low,
                p75_us=high,
                max_abs_difference=None
                if compared_with is None
                else largest_difference(output, compared_with),
                note="; ".join(filter(None, (quantization, comparison, figures.disturbance))),
                linux=figures,
            )
        )
    return rows


def measure_onnx(
    model: Path,
    inputs: np.ndarray,
    expected: np.ndarray | None = None,
    *,
    threads: int = 1,
    inferences: int = INFERENCES,
    computer: Computer | None = None,
) -> tuple[LinuxRow, np.ndarray]:
    """Compare an ONNX model's outputs with the expected ones, then time it and take its memory.

    Args:
        model: the .onnx, with a batch of 1.
        inputs: (N, ...) inputs to compare; the first one is timed.
        expected: (N, outputs) from another runtime, compared within `TOLERANCE`; None compares nothing.
        threads: that one operator may use.
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
    options = {"threads": threads, "inferences": inferences, "tolerance": TOLERANCE}
    answer = computer.run_model(
        model, packed.getvalue(), [f"--{name}={value}" for name, value in options.items()]
    )
    where = f"{model.name} on {computer.name}"
    if problem := answer.get("problem"):
        raise Unsupported(f"ONNX Runtime cannot run the model: {problem}", where=where)
    output = np.array(answer.pop("output"), np.float32)
    if not answer["samples_us"]:
        raise AccuracyFailed(
            f"the outputs differ from the reference by {answer['difference']:.2g}, more than {TOLERANCE:g}",
            where=where,
            remedy="Nothing was timed. Compare ONNX Runtime's versions here and there.",
        )
    return msgspec.convert({**answer, "tolerance": TOLERANCE}, LinuxRow), output

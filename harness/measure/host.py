"""Timing of one model on the host's CPU and GPU, on the same input as the board."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from harness.errors import AccuracyFailed
from harness.measure import host_runtimes
from harness.measure.conformance import largest_difference
from harness.records.provenance import cpu_name, usable_cores
from harness.records.record import HostRow
from models.model_artifact import ModelArtifact
from models.reference import ReferenceModel

NOT_QUANTIZED = "float32, not quantized"
_Measure = Callable[[Path, np.ndarray, int], tuple[host_runtimes.Timing, np.ndarray]]


def time_host(
    model: ModelArtifact, model_input: np.ndarray, board_output: np.ndarray | None = None
) -> list[HostRow]:
    """Time a model in every runtime of the host: TensorFlow Lite, torch on CPU and CUDA, ONNX Runtime.

    Each is warmed up and timed on one thread (like for like) and on all cores. A failure of one runtime does
    not stop the others: it becomes the note of its row, whose figures are None.

    Args:
        model: the artifact; one without a torch or ONNX network has no rows for these.
        model_input: uint16 (49, channels) features of one clip, made into each runtime's input as the
            board makes its own; or the .tflite's input tensor, for models that do not hear.
        board_output: the board's probabilities on that input, (labels,); without them outputs are compared
            with TensorFlow Lite's reference kernels, and the notes say so.

    Returns:
        One row for each runtime and number of threads, and one for the GPU.

    Raises:
        ValueError: the input does not suit the model.
    """
    reference = ReferenceModel(model.tflite, model.front_end)
    values = reference.tensor_of(model_input)
    expected, comparison = expected_output(model, reference, model_input, board_output)
    floats = float_input(reference, model_input)
    note = NOT_QUANTIZED if model.precision == "int8" else ""
    script = model.torchscript
    runtimes: list[tuple[str, _Measure, Path, np.ndarray, str]] = [
        ("tflite", host_runtimes.time_tflite, model.tflite, values, "XNNPACK, its default")
    ]
    if script:
        runtimes.append(("torch", host_runtimes.time_torch_cpu, script, floats, note))
    if model.onnx:
        runtimes.append(("onnxruntime", host_runtimes.time_onnx, model.onnx, floats, note))
    rows = []
    for runtime, measure, file, given, remark in runtimes:
        for threads in sorted({1, usable_cores()}):
            place = ("cpu", cpu_name(), runtime, threads)
            notes = (remark, comparison)
            rows.append(_row(place, partial(measure, file, given, threads), expected, notes))
    if script and (device := host_runtimes.gpu_name()):
        gpu = ("gpu", device, "torch", None)
        timed = partial(host_runtimes.time_torch_gpu, script, floats)
        rows.append(_row(gpu, timed, expected, (note, comparison)))
    elif script:
        rows.append(HostRow("gpu", "", "torch", None, 0, None, None, None, None, "no CUDA device"))
    return rows


def float_input(reference: ReferenceModel, model_input: np.ndarray) -> np.ndarray:
    """Return the input of a model's float network, see `time_host`."""
    floats = model_input.astype(np.float32)
    if model_input.dtype == np.uint16:
        floats = reference.front_end.values(model_input)
    return floats.reshape(reference.tensor_of(model_input).shape)


def expected_output(
    model: ModelArtifact, reference: ReferenceModel, model_input: np.ndarray, board_output: np.ndarray | None
) -> tuple[np.ndarray | None, str]:
    """Return the probabilities that a runtime's are compared with, and a remark on them; see `time_host`."""
    if "VAR_HANDLE" in model.operators:
        return None, "output not compared, since the model keeps a state from run to run"
    if board_output is not None:
        return board_output, ""
    expected = reference.probabilities(reference.tensor_of(model_input))
    return expected, "output compared with TensorFlow Lite's reference kernels"


def _row(
    place: tuple[str, str, str, int | None],
    measure: Callable[[], tuple[host_runtimes.Timing, np.ndarray]],
    expected: np.ndarray | None,
    notes: Iterable[str],
) -> HostRow:
    try:
        timing, output = measure()
    except Exception as problem:  # runtimes raise anything; the others' figures stand
        first = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        return HostRow(*place, 0, None, None, None, None, note=f"failed: {first}")
    try:
        apart = None if expected is None else largest_difference(output, expected)
    except AccuracyFailed as failure:
        apart, notes = None, (*notes, failure.what)
    remark = "; ".join(filter(None, (*notes, timing.note)))
    return HostRow(*place, timing.invocations, timing.median_us, timing.p25_us, timing.p75_us, apart, remark)

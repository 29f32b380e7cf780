"""Timing of one model on the host's CPU and GPU, on the same input as the board."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from harness.measure import host_runtimes
from harness.records.provenance import cpu_name, usable_cores
from harness.records.record import HostRow
from models.data.features import float_features
from models.model_artifact import ModelArtifact
from models.reference import ReferenceModel

_NOT_QUANTIZED = "float32, not quantized"


def time_host(
    model: ModelArtifact, model_input: np.ndarray, board_output: np.ndarray | None = None
) -> list[HostRow]:
    """Time a model in every runtime of the host: TensorFlow Lite, torch on CPU and CUDA, ONNX Runtime.

    Each is warmed up and timed on one thread (like for like) and on all cores. A failure of one runtime does
    not stop the others: it becomes the note of its row, whose figures are None.

    Args:
        model: the artifact; one without a torch or ONNX network has no rows for these.
        model_input: uint16 (49, 40) features of one clip, made into each runtime's input as the board makes
            its own; or the .tflite's input tensor, for models without micro features.
        board_output: the board's probabilities on that input, (labels,); without them outputs are compared
            with TensorFlow Lite's reference kernels, and the notes say so.

    Returns:
        One row for each runtime and number of threads, and one for the GPU.

    Raises:
        ValueError: the input does not suit the model.
    """
    reference = ReferenceModel(model.tflite)
    values = reference.tensor_of(model_input)
    expected, comparison = board_output, ""
    if expected is None:
        expected = reference.probabilities(values)
        comparison = "output compared with TensorFlow Lite's reference kernels"
    rows = _Rows(expected, comparison)
    rows.add_cpu("tflite", host_runtimes.time_tflite, model.tflite, values, "XNNPACK, its default")
    floats = _as_float(model_input, values)
    note = _NOT_QUANTIZED if model.precision == "int8" else ""
    if script := model.torchscript:
        rows.add_cpu("torch", host_runtimes.time_torch_cpu, script, floats, note)
    if model.onnx:
        rows.add_cpu("onnxruntime", host_runtimes.time_onnx, model.onnx, floats, note)
    if model.torchscript:
        rows.add_gpu(model.torchscript, floats, note)
    return rows.rows


class _Rows:
    def __init__(self, expected: np.ndarray, comparison: str) -> None:
        self.rows: list[HostRow] = []
        self._expected, self._comparison = expected.reshape(-1), comparison

    def add_cpu(
        self,
        runtime: str,
        measure: Callable[[Path, np.ndarray, int], tuple[host_runtimes.Timing, np.ndarray]],
        model_file: Path,
        values: np.ndarray,
        note: str,
    ) -> None:
        """Measure a runtime on one thread and on all cores."""
        for threads in sorted({1, usable_cores()}):
            self._add(
                ("cpu", cpu_name(), runtime, threads), partial(measure, model_file, values, threads), note
            )

    def add_gpu(self, script: Path, values: np.ndarray, note: str) -> None:
        """Measure torch on the CUDA device; add a row that says so without one."""
        if torch.cuda.is_available():
            place = ("gpu", torch.cuda.get_device_name(), "torch", None)
            self._add(place, partial(host_runtimes.time_torch_gpu, script, values), note)
        else:
            self.rows.append(HostRow("gpu", "", "torch", None, 0, None, None, None, None, "no CUDA device"))

    def _add(
        self,
        place: tuple[str, str, str, int | None],
        measure: Callable[[], tuple[host_runtimes.Timing, np.ndarray]],
        note: str,
    ) -> None:
        try:
            timing, output = measure()
        except Exception as problem:  # runtimes raise anything; the others' figures stand
            first = (str(problem).strip() or type(problem).__name__).splitlines()[0]
            self.rows.append(HostRow(*place, 0, None, None, None, None, note=f"failed: {first}"))
            return
        apart = float(np.abs(output.reshape(-1) - self._expected).max())
        notes = "; ".join(part for part in (note, self._comparison) if part)
        self.rows.append(
            HostRow(*place, timing.invocations, timing.median_us, timing.p25_us, timing.p75_us, apart, notes)
        )


def _as_float(model_input: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the float network's input, in the shape of the .tflite's input."""
    floats = float_features(model_input) if model_input.dtype == np.uint16 else model_input.astype(np.float32)
    return floats.reshape(values.shape)

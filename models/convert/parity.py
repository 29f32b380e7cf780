"""Comparison of every step of the conversion with torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.convert.export import INPUT_NAME, OUTPUT_NAME
from models.errors import ConversionError
from models.log_filter import known_noise_dropped
from models.reference import TOLERANCE, ReferenceModel


def check_parity(network: nn.Module, files: dict[str, Path], inputs: np.ndarray) -> dict[str, float]:
    """Run the same inputs through each step and compare with torch.

    Args:
        network: in evaluation mode, gives probabilities.
        files: by step in order: "torchscript", "onnx", "savedmodel" or "tflite".
        inputs: float32 (N, ...).

    Returns:
        The largest absolute difference by step.

    Raises:
        ConversionError: a step differs by more than `TOLERANCE`.
    """
    with torch.no_grad():
        expected = network(torch.from_numpy(inputs)).numpy()
    differences = {}
    for step, path in files.items():
        with known_noise_dropped():
            run = _RUNNERS[step](path)
            outputs = np.concatenate([run(sample[np.newaxis]) for sample in inputs])
        difference = float(np.abs(outputs - expected).max())
        if not difference <= TOLERANCE:
            raise ConversionError(
                f"the {step} model differs from torch by {difference:.2g}, more than {TOLERANCE:g}",
                path.name,
                "Compare the layers one by one to find the operator that the previous step changed.",
            )
        differences[step] = difference
    return differences


def _torchscript(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    module = torch.jit.load(str(path))

    def run(sample: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(sample)).numpy()

    return run


def _onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda sample: session.run([OUTPUT_NAME], {INPUT_NAME: sample})[0]


def _savedmodel(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    function = loaded.signatures["serving_default"]
    return lambda sample: function(**{INPUT_NAME: tf.constant(sample)})[OUTPUT_NAME].numpy()


def _tflite(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    model = ReferenceModel(path)
    return lambda sample: model.raw_output(sample)[np.newaxis]


_RUNNERS = {"torchscript": _torchscript, "onnx": _onnx, "savedmodel": _savedmodel, "tflite": _tflite}

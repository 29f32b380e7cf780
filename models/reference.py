"""TensorFlow Lite's reference kernels: every board has to compute the same, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.data.front_ends import load_front_end
from models.interpreter import REFERENCE, Interpreter, failures_explained

TOLERANCE = 1e-5
"""Difference of a probability (0 to 1) that is allowed: another order of summation in float32 stays a hundred
times below."""


class ReferenceModel:
    """A .tflite in the reference interpreter.

    The reference kernels take 0.45 ms for a TinyConv, twenty times as long as the optimized ones. The
    optimized ones differ from them, and so from the board, in the last bit for 0.1 % of the clips.

    Args:
        tflite: has one input and one output, each int8 or float32.
        front_end: makes the model's features, one of `models.data.front_ends`.
        kernels: `OPTIMIZED` where speed counts more than the last bit.

    Raises:
        ConversionError: the reference kernels do not run the model; so do the methods.

    Attributes:
        input_shape: of the input.
        input_type: int8 or float32.
        input_quantization: scale and zero point of the input.
        front_end: makes the model's features.
        hears: True if the input has as many elements as a second of the front end's features.
        output_step: the output's quantization step, in units of probability; 0 for a float output.
    """

    def __init__(self, tflite: Path, front_end: str = "micro", kernels: int = REFERENCE) -> None:
        self._interpreter = Interpreter(tflite, kernels, threads=1)
        self.input_shape = self._interpreter.input_shape
        self.input_type = self._interpreter.input_type
        self.input_quantization = self._interpreter.input_quantization
        self.front_end = load_front_end(front_end)
        self.hears = int(np.prod(self.input_shape)) == self.front_end.size
        self.output_step = float(self._interpreter.output_quantization[0])

    def tensor_of(self, values: np.ndarray) -> np.ndarray:
        """Convert a clip's features to the model's input tensor, as the board does.

        Args:
            values: uint16 (49, channels) features; or the tensor itself, for models of other inputs.

        Raises:
            ValueError: the values do not fit the model.
        """
        if values.dtype == np.uint16:
            if self.input_type == np.int8:
                values = self.front_end.quantize(values, *self.input_quantization)
            else:
                values = self.front_end.values(values)
        if values.dtype != self.input_type or values.size != np.prod(self.input_shape):
            needed = f"{self.input_type} {self.input_shape}"
            raise ValueError(f"the model takes {needed}, not {values.dtype} {values.shape}")
        return values.reshape(self.input_shape)

    def raw_output(self, tensor: np.ndarray) -> np.ndarray:
        """Compute the output (outputs,) in the model's own type, from a tensor of `tensor_of`."""
        self._run(tensor)
        return self._interpreter.raw_output().reshape(-1)

    def probabilities(self, tensor: np.ndarray) -> np.ndarray:
        """Compute the output as float32 (outputs,), dequantized if int8, from a tensor of `tensor_of`."""
        self._run(tensor)
        return self._interpreter.output().reshape(-1)

    def _run(self, tensor: np.ndarray) -> None:
        self._interpreter.set_input(tensor)
        with failures_explained():
            self._interpreter.invoke()

"""TensorFlow Lite's reference kernels: every board has to compute the same, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.data.features import CHANNELS, SLICES, float_features, quantize_features
from models.interpreter import REFERENCE, Interpreter, failures_explained


class ReferenceModel:
    """A .tflite in the reference interpreter.

    The reference kernels take 0.45 ms for a TinyConv, twenty times as long as the optimized ones. The
    optimized ones differ from them, and so from the board, in the last bit for 0.1 % of the clips.

    Args:
        tflite: has one input and one output, each int8 or float32.

    Raises:
        ConversionError: the reference kernels do not run the model; so do the methods.

    Attributes:
        input_shape: of the input.
        input_type: int8 or float32.
        takes_micro_features: True if the input has as many elements as a second of micro features.
        output_step: the output's quantization step, in units of probability; 0 for a float output.
    """

    def __init__(self, tflite: Path) -> None:
        self._interpreter = Interpreter(tflite, REFERENCE)
        self.input_shape = self._interpreter.input_shape
        self.input_type = self._interpreter.input_type
        self.takes_micro_features = int(np.prod(self.input_shape)) == SLICES * CHANNELS
        self.output_step = float(self._interpreter.output_quantization[0])

    def tensor_of(self, values: np.ndarray) -> np.ndarray:
        """Convert a clip's features to the model's input tensor, as the board does.

        Args:
            values: uint16 (49, 40) features; or the tensor itself, for models of other inputs.

        Raises:
            ValueError: the values do not fit the model.
        """
        if values.dtype == np.uint16:
            if self.input_type == np.int8:
                values = quantize_features(values, *self._interpreter.input_quantization)
            else:
                values = float_features(values)
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

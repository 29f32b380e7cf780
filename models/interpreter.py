"""TensorFlow Lite's interpreter alone: it loads in 20 ms, the rest of TensorFlow in 4 s of processor time."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from models.errors import ConversionError
from models.log_filter import known_noise_dropped
from models.tflite import tensorflow_folder

OPTIMIZED, REFERENCE = 1, 2
"""Sets of kernels, with the numbers of tensorflow/lite/python/interpreter_wrapper/interpreter_wrapper.cc: the
default, with the XNNPACK delegate where it knows the operators, and the reference kernels."""

_EXTENSION = "tensorflow.lite.python.interpreter_wrapper._pywrap_tensorflow_interpreter_wrapper"


class Interpreter:
    """An interpreter of a .tflite with one input and one output.

    Args:
        tflite: the file.
        kernels: `OPTIMIZED` or `REFERENCE`.
        threads: number of threads; None for TensorFlow Lite's default.

    Raises:
        ConversionError: TensorFlow Lite does not run the model.

    Attributes:
        invoke: runs the model; takes and returns nothing. It is timed, so nothing is around it: call it in
            `failures_explained`.
        input_shape: of the input.
        input_type: type of the input.
        input_quantization, output_quantization: scale and zero point; (0.0, 0) of a float tensor.
    """

    def __init__(self, tflite: Path, kernels: int, threads: int | None = None) -> None:
        with known_noise_dropped(), failures_explained():
            self._wrapper = _extension().CreateWrapperFromFile(str(tflite), kernels, [], [], False, False)
            if threads is not None:
                self._wrapper.SetNumThreads(threads)
            self._wrapper.AllocateTensors()
        self._input, self._output = self._wrapper.InputIndices()[0], self._wrapper.OutputIndices()[0]
        self.invoke = self._wrapper.Invoke
        self.input_shape = tuple(int(size) for size in self._wrapper.TensorSize(self._input, 0))
        self.input_type = np.dtype(self._wrapper.TensorType(self._input, 0))
        self.input_quantization: tuple[float, int] = self._wrapper.TensorQuantization(self._input, 0)
        self.output_quantization: tuple[float, int] = self._wrapper.TensorQuantization(self._output, 0)

    def set_input(self, tensor: np.ndarray) -> None:
        """Set the input, of the type and shape of the model's."""
        self._wrapper.SetTensor(self._input, tensor)

    def raw_output(self) -> np.ndarray:
        """Return the output of the last run, in the model's own type and shape."""
        return self._wrapper.GetTensor(self._output, 0)

    def output(self) -> np.ndarray:
        """Return the output of the last run as float32, dequantized if it is int8."""
        output = self.raw_output()
        if output.dtype == np.int8:
            scale, zero_point = self.output_quantization
            output = (output.astype(np.float32) - zero_point) * np.float32(scale)
        return output


@contextmanager
def failures_explained() -> Iterator[None]:
    """Turn the wrapper's exceptions into errors for users."""
    try:
        yield
    except (ValueError, RuntimeError) as problem:
        raise ConversionError(
            f"TensorFlow Lite does not run the model: {' '.join(str(problem).split())}",
            remedy="Convert the model with operators and versions that this TensorFlow has.",
        ) from problem


@cache
def _extension() -> ModuleType:
    """Load TensorFlow's extension module under its own name, for TensorFlow to find it if it comes later."""
    if _EXTENSION not in sys.modules:
        path = tensorflow_folder().joinpath(*_EXTENSION.split(".")[1:]).with_suffix(".so")
        spec = importlib.util.spec_from_file_location(_EXTENSION, path)
        assert spec is not None and spec.loader is not None
        try:
            sys.modules[_EXTENSION] = importlib.util.module_from_spec(spec)
        except ImportError as problem:
            if isinstance(problem.__cause__, KeyboardInterrupt):  # Ctrl-C while the library is loaded
                raise problem.__cause__ from None
            raise
        spec.loader.exec_module(sys.modules[_EXTENSION])
    return sys.modules[_EXTENSION]

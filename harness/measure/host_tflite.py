"""The host's inference by TensorFlow Lite, with the kernels that its users have."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.measure.timing import Timing, time_calls
from models.log_filter import known_noise_dropped


def measure(model_file: Path, values: np.ndarray, threads: int) -> tuple[Timing, np.ndarray]:
    """Times the interpreter with its default kernels: the XNNPACK delegate where that knows the operators.

    Args:
        model_file: the .tflite.
        values: its input tensor.
        threads: how many the interpreter may use.

    Returns:
        The time of one inference, and its output as probabilities.
    """
    with known_noise_dropped():
        from tensorflow import lite

        interpreter = lite.Interpreter(str(model_file), num_threads=threads)
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    details = interpreter.get_output_details()[0]
    output = interpreter.get_tensor(details["index"])
    if output.dtype == np.int8:
        scale, zero_point = details["quantization"]
        output = (output.astype(np.float32) - zero_point) * np.float32(scale)
    return time_calls(interpreter.invoke, threads=1), output

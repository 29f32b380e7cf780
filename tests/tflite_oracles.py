"""Oracles for generated code: TensorFlow Lite's reference kernels, and TFLM."""

from __future__ import annotations

import numpy as np

from models.log_filter import known_noise_dropped, quiet_tensorflow


def tflite_reference(tflite: bytes, inputs: np.ndarray) -> np.ndarray:
    """Compute outputs (n, …) for inputs (n, …) with TensorFlow Lite's reference kernels."""
    quiet_tensorflow()
    import tensorflow as tf

    with known_noise_dropped():
        interpreter = tf.lite.Interpreter(
            model_content=tflite,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
    (source,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    results = []
    for one in inputs:
        interpreter.set_tensor(source["index"], one.reshape(source["shape"]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(output["index"]))
    return np.stack(results)


def tflite_micro(tflite: bytes, inputs: np.ndarray) -> np.ndarray:
    """Compute outputs (n, …) for inputs (n, …) with TensorFlow Lite for Microcontrollers."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(tflite, arena_size=max(1 << 18, 20 * len(tflite)))
    shape = interpreter.get_input_details(0)["shape"]
    results = []
    for one in inputs:
        interpreter.set_input(one.reshape(shape), 0)
        interpreter.invoke()
        results.append(interpreter.get_output(0))
    return np.stack(results)

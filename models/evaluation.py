"""Runs a .tflite on features, by the TensorFlow Lite reference kernels: what a board has to compute too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.features import float_features, quantize_features
from models.quiet import known_noise_dropped


def outputs_of(tflite: Path, features: np.ndarray, show_bar: bool = False) -> np.ndarray:
    """The raw outputs of a model for each clip.

    The reference kernels take 0.45 ms for a TinyConv, twenty times the optimised ones, which differ from them
    (and from the board) in the last bit of 0.1 % of the clips.

    Args:
        tflite: a model whose input has as many elements as a clip has features; int8 or float32.
        features: uint16 (N, 49, 40), the integers of the front end.
        show_bar: whether to show the clips on stderr as they pass.

    Returns:
        (N, outputs) of the model's own type.
    """
    with known_noise_dropped():
        from tensorflow import lite

        kernels = lite.experimental.OpResolverType.BUILTIN_REF
        interpreter = lite.Interpreter(str(tflite), experimental_op_resolver_type=kernels)
        interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs = np.empty((len(features), int(np.prod(out["shape"]))), out["dtype"])
    with tqdm(
        total=len(features), desc="evaluation", unit=" clips", disable=not show_bar, leave=False
    ) as bar:
        for index, clip in enumerate(features):
            if into["dtype"] == np.int8:
                values = quantize_features(clip, *into["quantization"])
            else:
                values = float_features(clip)
            interpreter.set_tensor(into["index"], values.reshape(into["shape"]))
            interpreter.invoke()
            outputs[index] = interpreter.get_tensor(out["index"]).reshape(-1)
            bar.update()
    return outputs

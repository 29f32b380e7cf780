"""Ranges that a network learned with, written where TensorFlow Lite's calibration writes what it has seen.

The converter's quantizer is a step of its own that reads the ranges from the model, and so takes over the
learned ones exactly. No clips would make the calibration see just these; and fake-quantize nodes do not come
as far, since onnx-tf makes plain arithmetic of ONNX's QuantizeLinear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.errors import ConversionError

_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_OF_A_FIXED_RANGE = ("SOFTMAX",)


def with_ranges(calibrated: bytes, ranges: Sequence[tuple[float, float]]) -> bytes:
    """Replaces the ranges of the activations in a model that is calibrated but not yet quantized.

    Args:
        calibrated: a float .tflite, a chain of operators, that holds the range of every activation.
        ranges: of the input, then of what each layer gives, see `models.compress.quantization.LearnedRanges`.
            only moves or averages data keeps the range of what it takes.

    Raises:
        ConversionError: the model has another number of layers.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrated))
    graph = model.subgraphs[0]
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    kinds = [codes[operator.opcodeIndex] for operator in graph.operators]
    layers = sum(kind in _LAYERS for kind in kinds)
    if layers != len(ranges) - 1:
        raise ConversionError(
            f"the network has learned the ranges of {len(ranges) - 1} layers, but the model has {layers}",
            ", ".join(kinds),
            "Give every layer one convolution or fully connected operator.",
        )
    left = iter(ranges)
    known = {int(graph.inputs[0]): next(left)}
    for operator, kind in zip(graph.operators, kinds, strict=True):
        if kind not in _OF_A_FIXED_RANGE:
            known[int(operator.outputs[0])] = (
                next(left) if kind in _LAYERS else known[int(operator.inputs[0])]
            )
    for tensor, (lowest, highest) in known.items():
        _set_range(graph.tensors[tensor], lowest, highest)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _set_range(tensor: Any, lowest: float, highest: float) -> None:
    tensor.quantization.min = np.array([lowest], np.float32)
    tensor.quantization.max = np.array([highest], np.float32)

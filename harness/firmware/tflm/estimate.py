"""What a model takes, as far as its file tells: work, and memory before a board has measured it."""

from __future__ import annotations

import math

from harness.firmware.tflite_model import Tensor, TfliteModel

ALIGNMENT = 16
"""Of tensors in the interpreter's arena, and of the arena itself (micro_arena_constants.h)."""

MOST_ARENA_BYTES = 160 << 10
"""Of the 256 KB of a Nano 33 BLE Sense: what mbed OS, the microphone and the sketch leave, less a reserve."""

_HEADROOM_BYTES = 4096  # the interpreter's own: allocators, planner, contexts; 1 to 2 KB seen
_TENSOR_BYTES = 128  # TfLiteTensor 64, evaluation and allocation records, quantization
_OPERATOR_BYTES = 256  # node with registration, and the operator's own data
_CHANNEL_BYTES = 12  # a multiplier, a shift and a scale for each output channel
_SCRATCH_ELEMENTS_BYTES = 4  # CMSIS-NN widens two columns of a filter to 16 bits

_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2, "int32": 4, "float32": 4}
_MOST_BYTES = 8

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_CHANNEL_AXIS = {"DEPTHWISE_CONV_2D": 3}


def multiply_accumulates(model: TfliteModel) -> int:
    """Of one inference; a window's taps on padding count like the others."""
    total = 0
    for operator in model.operators:
        if operator.name in _WEIGHTED and operator.inputs[1] is not None:
            weights = model.tensors[operator.inputs[1]]
            channels = weights.shape[_CHANNEL_AXIS.get(operator.name, 0)]
            total += model.tensors[operator.outputs[0]].elements * (weights.elements // channels)
    return total


def generous_arena(model: TfliteModel) -> int:
    """Bytes that are enough unless the board is too small: as if no activation made room for another.

    Returns:
        A multiple of `ALIGNMENT`, at most `MOST_ARENA_BYTES`.
    """
    total = _HEADROOM_BYTES
    for tensor in model.tensors:
        total += _TENSOR_BYTES
        if tensor.data is None:
            total += _activation_bytes(tensor)
        elif tensor.quantization and len(tensor.quantization.scales) > 1:
            channels = len(tensor.quantization.scales)
            total += _CHANNEL_BYTES * channels + _SCRATCH_ELEMENTS_BYTES * (tensor.elements // channels)
    total += _OPERATOR_BYTES * len(model.operators)
    return min(rounded_up(total), MOST_ARENA_BYTES)


def least_arena(model: TfliteModel) -> int:
    """Bytes of the activations that are alive at the same time: any arena has to hold those."""
    last_read = {tensor: at for at, operator in enumerate(model.operators) for tensor in operator.inputs}
    last_read |= dict.fromkeys(model.outputs, len(model.operators))
    alive, most = set(model.inputs), 0
    for at, operator in enumerate(model.operators):
        alive |= set(operator.outputs)
        most = max(most, sum(_activation_bytes(model.tensors[i]) for i in alive))
        alive = {i for i in alive if last_read.get(i, 0) > at}
    return most


def rounded_up(count: int) -> int:
    """To a multiple of `ALIGNMENT`."""
    return math.ceil(count / ALIGNMENT) * ALIGNMENT


def _activation_bytes(tensor: Tensor) -> int:
    return rounded_up(tensor.elements * _BYTES.get(tensor.type, _MOST_BYTES))

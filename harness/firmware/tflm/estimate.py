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

_ALLOCATION_BYTES = 24  # AllocationInfo (micro_allocation_info.h), for each tensor
_REQUIREMENT_BYTES = 32  # GreedyMemoryPlanner::per_buffer_size(), for each activation
_SCRATCH_BUFFERS = 2  # that an operator asks for, each an activation more; 1 is what convolutions ask for
_PLANNING_BYTES = 128  # requests of one operator for scratch buffers, and the ends of it all

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


def planning_margin(model: TfliteModel) -> int:
    """Bytes beyond those that an interpreter reports as used of its arena, without which it does not start.

    While it plans, its notes lie where the activations will. Only a model of few and small activations has
    notes that are longer: 896 bytes were needed where 676 were reported and 64 were activations, and for
    networks that hear (above 8,000 bytes of activations) what was reported was enough.
    """
    activations = sum(tensor.data is None for tensor in model.tensors)
    scratch = _SCRATCH_BUFFERS * len(model.operators)
    notes = _ALLOCATION_BYTES * (len(model.tensors) + scratch)
    notes += _REQUIREMENT_BYTES * (activations + scratch) + _PLANNING_BYTES
    return max(0, notes - least_arena(model))


def rounded_up(count: int) -> int:
    """To a multiple of `ALIGNMENT`."""
    return math.ceil(count / ALIGNMENT) * ALIGNMENT


def _activation_bytes(tensor: Tensor) -> int:
    return rounded_up(tensor.elements * _BYTES.get(tensor.type, _MOST_BYTES))

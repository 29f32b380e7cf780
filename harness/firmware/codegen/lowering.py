"""Lowering of a .tflite's operators to the steps of a program."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from harness.errors import Unsupported
from harness.firmware.codegen.constants import FOLDED_ONLY, fold_constants, slice_ranges
from harness.firmware.codegen.operands import (
    CONVERT_AGAIN,
    CONVERT_FIXED,
    CONVERT_INT8_OR_FLOAT,
    FOLD,
    Operands,
)
from harness.firmware.codegen.program import (
    AveragePool2D,
    BatchToSpace,
    Binary,
    Conv2D,
    CopyPart,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    MaxPool2D,
    Mean,
    Pad,
    Places,
    Program,
    Quantize,
    Softmax,
    SpaceToBatch,
    Step,
    Transpose,
    Unary,
    Value,
    View,
    Weights,
    Window,
)
from harness.firmware.codegen.quantization import INT8_MIN
from harness.firmware.codegen.states import States
from harness.firmware.codegen.strides import broadcast, contiguous, loops
from models.tflite import Operator, TfliteModel

_FIXED_OUTPUTS = {"SOFTMAX": (1 / 256, INT8_MIN), "LOGISTIC": (1 / 256, INT8_MIN), "TANH": (1 / 128, 0)}
"""Scale and zero point of int8 outputs that TensorFlow Lite's kernels take for granted."""
_MOST_DIMENSIONS = 4
_MOST_SOFTMAX_DEPTH = 511  # TensorFlow Lite's int8 kernel has an exponent for no more


def lower(model: TfliteModel) -> Program:
    """Return the model as a program, one step per operator.

    Raises:
        Unsupported: the engine cannot run an operator or tensor, which is named.
    """
    for side, numbers in (("input", model.inputs), ("output", model.outputs)):
        if len(numbers) != 1:
            raise Unsupported(
                f"the model has {len(numbers)} {side}s; engine codegen takes models with one",
                remedy="Convert a network with one input and one output.",
            )
    lacking = [one for one in (*model.operators, *model.called) if one.name not in OPERATORS]
    if lacking:
        raise Unsupported(
            f"engine codegen lacks {', '.join(numbered(lacking))}",
            remedy="Use --engine tflm, TensorFlow Lite for Microcontrollers, which has more operators; "
            f"or build the network from {', '.join(OPERATORS)}.",
        )
    operands = Operands(model)
    ends = operands.value(model.inputs[0]), operands.value(model.outputs[0])
    model, folded = fold_constants(model)
    states = States(model)
    steps = tuple(step for operator in model.operators for step in _steps(model, operator, states))
    return Program(*ends, steps, tuple(f"{one} is a constant" for one in folded), states.all)


def numbered(operators: Iterable[Operator]) -> list[str]:
    """Return operators by name with their numbers, such as "CONV_2D (operators 3, 5)"."""
    numbers: dict[str, list[int]] = {}
    for operator in operators:
        numbers.setdefault(operator.name, []).append(operator.index)
    return [
        f"{name} (operator{'s' * (len(own) > 1)} {', '.join(map(str, own))})"
        for name, own in sorted(numbers.items())
    ]


def _steps(model: TfliteModel, operator: Operator, states: States) -> Iterable[Step]:
    operands = Operands(model, operator)
    if operator.name in _WITHOUT_STEPS:
        return ()
    if operator.name == "READ_VARIABLE":
        return states.read(operator, operands)
    if operator.name == "ASSIGN_VARIABLE":
        return states.assign(operator, operands)
    lowered = _LOWERINGS[operator.name](operator, operands)
    return (lowered,) if isinstance(lowered, Step) else lowered


def _conv_2d(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    weights = operands.weights(source, output, dimensions=4, axis=0)
    outputs, height, width, inputs = weights.values.shape
    window, (down, across) = _window(operator, operands, source, (height, width))
    if inputs != source.shape[3]:
        operands.refuse(
            f"it is a grouped convolution ({source.shape[3]} channels, filters of {inputs})",
            "Use one group, or a depthwise convolution.",
        )
    operands.shape(output, (source.shape[0], down, across, outputs))
    return Conv2D(operator, source, output, weights, window, operands.activation())


def _depthwise_conv_2d(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    weights = operands.weights(source, output, dimensions=4, axis=3)
    one, height, width, outputs = weights.values.shape
    window, (down, across) = _window(operator, operands, source, (height, width))
    if one != 1 or outputs % source.shape[3] != 0:
        operands.refuse(f"its filter has the shape {weights.values.shape}", CONVERT_AGAIN)
    operands.shape(output, (source.shape[0], down, across, outputs))
    weights = Weights(weights.values[0], weights.bias, weights.scales)
    return DepthwiseConv2D(operator, source, output, weights, window, operands.activation())


def _fully_connected(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    weights = operands.weights(source, output, dimensions=2, axis=0)
    if operands.option("weights_format", 0) != 0:
        operands.refuse("its weights are shuffled", CONVERT_AGAIN)
    outputs, inputs = weights.values.shape
    if source.elements % inputs != 0:
        operands.refuse(
            f"it has {inputs} weights for each output and {source.elements} inputs", CONVERT_FIXED
        )
    if (output.elements, output.shape[-1:]) != (source.elements // inputs * outputs, (outputs,)):
        operands.shape(output, (source.elements // inputs, outputs))
    return FullyConnected(operator, source, output, weights, operands.activation())


def _unary(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_type(source, output)
    operands.shape(output, source.shape)
    _fixed_output(operator, operands, output)
    return Unary(operator, source, output, float(operator.options.get("alpha", 0.0)))


def _binary(operator: Operator, operands: Operands) -> Step:
    first, second = operands.values_in(2)
    (number,) = operator.outputs
    output = operands.value(number)
    if first.data is not None:
        first, second = second, first
    if first.data is not None:
        operands.refuse("both of its inputs are constants", FOLD)
    for source in (first, second):
        operands.require_same_type(source, output)
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
        operands.shape(output, shape)
        loops(shape, *(broadcast(source.shape, shape) for source in (first, second)), contiguous(shape))
    except ValueError as problem:
        operands.refuse(f"its inputs are {first.shape} and {second.shape}: {problem}", CONVERT_FIXED)
    return Binary(operator, first, output, second, operands.activation())


def _pool_2d(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_quantization(source, output)
    size = operands.option("filter_height", 0), operands.option("filter_width", 0)
    window, (down, across) = _window(operator, operands, source, size)
    operands.shape(output, (source.shape[0], down, across, source.shape[3]))
    kind = AveragePool2D if operator.name == "AVERAGE_POOL_2D" else MaxPool2D
    return kind(operator, source, output, window, operands.activation())


def _mean(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_type(source, output)
    rank = len(source.shape)
    stored = operands.constant(1, "axes", "int32").reshape(-1)
    axes = tuple(sorted({int(axis) + rank * (axis < 0) for axis in stored}))
    if not axes or not set(axes) <= set(range(rank)):
        operands.refuse(f"its axes are {stored.tolist()}, of an input of {rank} dimensions", CONVERT_AGAIN)
    _few_dimensions(operands, source)
    keep = bool(operands.option("keep_dims", 0))
    sizes = [
        1 if axis in axes else size for axis, size in enumerate(source.shape) if keep or axis not in axes
    ]
    operands.shape(output, tuple(sizes))
    return Mean(operator, source, output, axes)


def _softmax(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_type(source, output)
    operands.shape(output, source.shape)
    _fixed_output(operator, operands, output)
    if source.type == "int8" and source.shape[-1] > _MOST_SOFTMAX_DEPTH:
        operands.refuse(
            f"it is over {source.shape[-1]} elements; in int8 at most {_MOST_SOFTMAX_DEPTH} work",
            "Leave out the softmax, or convert in float32.",
        )
    return Softmax(operator, source, output, float(operator.options.get("beta", 1.0)))


def _pad(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_quantization(source, output)
    amounts = operands.constant(1, "amount of padding", "int32", "int64")
    _few_dimensions(operands, source)
    if amounts.shape != (len(source.shape), 2) or amounts.min() < 0:
        operands.refuse("its padding is not two amounts per dimension, each 0 or more", CONVERT_AGAIN)
    pairs = tuple((int(before), int(after)) for before, after in amounts)
    sizes = zip(source.shape, pairs, strict=True)
    operands.shape(output, tuple(before + size + after for size, (before, after) in sizes))
    return Pad(operator, source, output, pairs)


def _transpose(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_quantization(source, output)
    stored = operands.constant(1, "order", "int32", "int64")
    _few_dimensions(operands, source)
    rank = len(source.shape)
    order = tuple(int(axis) + rank * (axis < 0) for axis in stored.reshape(-1))
    if sorted(order) != list(range(rank)):
        operands.refuse(f"its order of axes is {order}, not a permutation of {rank} axes", CONVERT_AGAIN)
    operands.shape(output, tuple(source.shape[axis] for axis in order))
    return Transpose(operator, source, output, order)


def _reshape(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_quantization(source, output)
    if source.elements != output.elements:
        operands.refuse(f"it makes {output.shape} from {source.shape}", CONVERT_FIXED)
    return View(operator, source, output)


def _space_to_batch(operator: Operator, operands: Operands) -> Step:
    source, output, block, padding = _blocks(operands)
    sizes = [size + before + after for size, (before, after) in zip(source.shape[1:], padding, strict=False)]
    if any(size % one for size, one in zip(sizes, block, strict=True)):
        operands.refuse(f"its block {block} does not divide the padded sizes {tuple(sizes)}", CONVERT_AGAIN)
    inner = [size // one for size, one in zip(sizes, block, strict=True)]
    rest = source.shape[1 + len(block) :]
    operands.shape(output, (source.shape[0] * math.prod(block), *inner, *rest))
    return SpaceToBatch(operator, source, output, block, padding)


def _batch_to_space(operator: Operator, operands: Operands) -> Step:
    source, output, block, crops = _blocks(operands)
    inner = [
        size * one - before - after
        for size, one, (before, after) in zip(source.shape[1:], block, crops, strict=False)
    ]
    rest = source.shape[1 + len(block) :]
    operands.shape(output, (source.shape[0] // math.prod(block), *inner, *rest))
    return BatchToSpace(operator, source, output, block, crops)


def _blocks(operands: Operands) -> tuple[Value, Value, tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return input, output, block, and (before, after) of each of its dimensions."""
    source, output = operands.in_and_out()
    operands.require_same_quantization(source, output)
    block = tuple(map(int, operands.constant(1, "block", "int32").reshape(-1)))
    amounts = operands.constant(2, "padding or crops", "int32")
    if amounts.shape != (len(block), 2) or amounts.min() < 0 or not 1 <= len(block) < len(source.shape):
        operands.refuse(f"its block is {block}, its amounts are {amounts.tolist()}", CONVERT_AGAIN)
    if min(block) < 1:
        operands.refuse(f"its block is {block}", CONVERT_AGAIN)
    return source, output, block, tuple((int(before), int(after)) for before, after in amounts)


def _concatenation(operator: Operator, operands: Operands) -> Iterator[Step]:
    parts = operands.values_in()
    output = operands.value(operator.outputs[0])
    rank = len(output.shape)
    axis = _axis(operands, operands.option("axis", 0), rank)
    if operands.activation() != "NONE":
        operands.refuse("it has a fused activation", CONVERT_AGAIN)
    lengths = [part.shape[axis] if len(part.shape) == rank else 0 for part in parts]
    steps, begin = contiguous(output.shape), 0
    for part, length in zip(parts, lengths, strict=True):
        operands.require_same_quantization(part, output)
        operands.shape(part, (*output.shape[:axis], length, *output.shape[axis + 1 :]))
        yield _copy(
            operands, part, output, part.shape, Places(0, contiguous(part.shape)), Places(begin, steps)
        )
        begin += length * steps[axis]
    operands.shape(output, (*output.shape[:axis], sum(lengths), *output.shape[axis + 1 :]))


def _pack(operator: Operator, operands: Operands) -> Iterator[Step]:
    parts = operands.values_in()
    output = operands.value(operator.outputs[0])
    axis = _axis(operands, operands.option("axis", 0), len(output.shape))
    shape = (*parts[0].shape[:axis], len(parts), *parts[0].shape[axis:])
    operands.shape(output, shape)
    steps = contiguous(shape)
    kept = (*steps[:axis], *steps[axis + 1 :])
    for number, part in enumerate(parts):
        operands.require_same_quantization(part, output)
        operands.shape(part, parts[0].shape)
        target = Places(number * steps[axis], kept)
        yield _copy(operands, part, output, part.shape, Places(0, contiguous(part.shape)), target)


def _split(operator: Operator, operands: Operands) -> Iterator[Step]:
    """Lower SPLIT, whose axis is its first input, or SPLIT_V, whose axis is its third."""
    equal = operator.name == "SPLIT"
    source = operands.input(1 if equal else 0)
    axis = _axis(
        operands, int(operands.constant(0 if equal else 2, "axis", "int32").reshape(-1)[0]), len(source.shape)
    )
    outputs = [operands.value(number) for number in operator.outputs]
    if (
        sum(output.shape[axis] if len(output.shape) == len(source.shape) else 0 for output in outputs)
        != source.shape[axis]
    ):
        operands.refuse(f"it makes {[output.shape for output in outputs]} from {source.shape}", CONVERT_FIXED)
    steps, begin = contiguous(source.shape), 0
    for output in outputs:
        operands.require_same_quantization(source, output)
        operands.shape(output, (*source.shape[:axis], output.shape[axis], *source.shape[axis + 1 :]))
        target = Places(0, contiguous(output.shape))
        yield _copy(operands, source, output, output.shape, Places(begin, steps), target)
        begin += output.shape[axis] * steps[axis]


def _strided_slice(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.require_same_quantization(source, output)
    bounds = [operands.constant(i, what, "int32") for i, what in enumerate(("begin", "end", "strides"), 1)]
    try:
        ranges, dropped = slice_ranges(source.shape, bounds, operator.options)
    except ValueError as problem:
        operands.refuse(str(problem), CONVERT_AGAIN)
    sizes = tuple(len(taken) for taken in ranges)
    operands.shape(output, tuple(size for axis, size in enumerate(sizes) if axis not in dropped))
    steps = contiguous(source.shape)
    begin = sum(taken.start * step for taken, step in zip(ranges, steps, strict=True))
    taken_steps = tuple(taken.step * step for taken, step in zip(ranges, steps, strict=True))
    return _copy(operands, source, output, sizes, Places(begin, taken_steps), Places(0, contiguous(sizes)))


def _not_folded(operator: Operator, operands: Operands) -> Step:
    operands.refuse("its output is not known before the model runs", CONVERT_FIXED)


def _copy(
    operands: Operands, source: Value, output: Value, sizes: tuple[int, ...], reads: Places, writes: Places
) -> Step:
    assert operands.operator is not None
    try:
        loops(sizes, reads.steps, writes.steps)
    except ValueError as problem:
        operands.refuse(f"it copies {problem}", "Reshape the tensor first.")
    return CopyPart(operands.operator, source, output, sizes, reads, writes)


def _axis(operands: Operands, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        operands.refuse(f"its axis is {axis}, of a tensor of {rank} dimensions", CONVERT_AGAIN)
    return axis % rank


def _quantize(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.shape(output, source.shape)
    if output.type != "int8":
        operands.refuse(f"it turns {source.type} into {output.type}", CONVERT_INT8_OR_FLOAT)
    return Quantize(operator, source, output)


def _dequantize(operator: Operator, operands: Operands) -> Step:
    source, output = operands.in_and_out()
    operands.shape(output, source.shape)
    if (source.type, output.type) != ("int8", "float32"):
        operands.refuse(f"it turns {source.type} into {output.type}", CONVERT_INT8_OR_FLOAT)
    return Dequantize(operator, source, output)


def _fixed_output(operator: Operator, operands: Operands, output: Value) -> None:
    scale, zero_point = _FIXED_OUTPUTS.get(operator.name, (output.scale, output.zero_point))
    if output.type == "int8" and (output.scale, output.zero_point) != (scale, zero_point):
        operands.refuse(
            f"its output has the scale {output.scale:g} and the zero point {output.zero_point}",
            f"Convert with TensorFlow Lite's int8 scheme: 1/{1 / scale:g} and {zero_point}.",
        )


def _few_dimensions(operands: Operands, source: Value) -> None:
    if len(source.shape) > _MOST_DIMENSIONS:
        operands.refuse(
            f"its input has {len(source.shape)} dimensions; at most {_MOST_DIMENSIONS} are supported",
            "Reshape the tensor first.",
        )


def _window(
    operator: Operator, operands: Operands, source: Value, size: tuple[int, int]
) -> tuple[Window, tuple[int, int]]:
    """Return the window of an operator on images, and the number of outputs (down, across)."""
    stride = operands.option("stride_h", 0), operands.option("stride_w", 0)
    dilation = operands.option("dilation_h_factor", 1), operands.option("dilation_w_factor", 1)
    padding = operator.options.get("padding")
    if len(source.shape) != 4 or min(*size, *stride, *dilation) < 1 or padding not in ("SAME", "VALID"):
        operands.refuse("its options or its input's shape are out of range", CONVERT_AGAIN)
    before, outputs = [0, 0], [0, 0]
    for axis in (0, 1):
        length, extent = source.shape[1 + axis], (size[axis] - 1) * dilation[axis] + 1
        if padding == "SAME":  # one output per stride; odd padding is below or right
            outputs[axis] = -(-length // stride[axis])
            before[axis] = max((outputs[axis] - 1) * stride[axis] + extent - length, 0) // 2
        else:
            outputs[axis] = (length - extent) // stride[axis] + 1
        if outputs[axis] < 1:
            operands.refuse(f"its window of {extent} is larger than its input of {length}", CONVERT_AGAIN)
    return Window(size, stride, dilation, (before[0], before[1])), (outputs[0], outputs[1])


_LOWERINGS: dict[str, Callable[[Operator, Operands], Step | Iterator[Step]]] = {
    "ADD": _binary,
    "AVERAGE_POOL_2D": _pool_2d,
    "BATCH_TO_SPACE_ND": _batch_to_space,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "DEQUANTIZE": _dequantize,
    "EXPAND_DIMS": _reshape,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _unary,
    "LEAKY_RELU": _unary,
    "LOGISTIC": _unary,
    "MAX_POOL_2D": _pool_2d,
    "MEAN": _mean,
    "MUL": _binary,
    "PACK": _pack,
    "PAD": _pad,
    "QUANTIZE": _quantize,
    "RELU": _unary,
    "RELU6": _unary,
    "RELU_N1_TO_1": _unary,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "SQUEEZE": _reshape,
    "STRIDED_SLICE": _strided_slice,
    "TANH": _unary,
    "TRANSPOSE": _transpose,
    **dict.fromkeys(FOLDED_ONLY, _not_folded),
}

_WITHOUT_STEPS = ("CALL_ONCE", "VAR_HANDLE")
OPERATORS = tuple(sorted((*_LOWERINGS, *_WITHOUT_STEPS, "READ_VARIABLE", "ASSIGN_VARIABLE")))
"""Names of the operators that the engine has."""

"""Random models of one operator each, by seed, with options, sizes and scales that networks may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tflite_builder import ModelBuilder

SAME, VALID = 0, 1
ACTIVATIONS = (0, 1, 2, 3)  # NONE, RELU, RELU_N1_TO_1, RELU6
FIXED_OUTPUTS = {
    "LOGISTIC": {"scale": 1 / 256, "zero_point": -128},
    "TANH": {"scale": 1 / 128, "zero_point": 0},
}
UNARY = ("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU")


class _Case:
    """A model with one operator, int8 or float32; a share of the weights is 0."""

    def __init__(self, seed: int, dtype: str, zeros: float = 0.0) -> None:
        self.random = np.random.default_rng(seed)
        self.builder = ModelBuilder()
        self.dtype, self.zeros = dtype, zeros

    def integer(self, least: int, most: int) -> int:
        return int(self.random.integers(least, most + 1))

    def choice(self, *values: int) -> int:
        return int(self.random.choice(values))

    def activation(
        self, *shape: int, dtype: str = "", scale: float | None = None, zero_point: int | None = None
    ) -> int:
        """Add an activation; draw its scale and zero point, which is extreme in three of ten cases."""
        dtype = dtype or self.dtype
        if dtype == "f4":
            return self.builder.activation(shape, dtype)
        drawn = float(np.exp(self.random.uniform(np.log(0.002), np.log(0.2))))
        extreme = self.random.random() < 0.3
        point = self.choice(-128, 127) if extreme else self.integer(-128, 127)
        return self.builder.activation(
            shape, dtype, drawn if scale is None else scale, point if zero_point is None else zero_point
        )

    def numbers_of(self, tensor: int) -> dict[str, Any]:
        """Return a tensor's scale and zero point as arguments of `activation`."""
        if self.dtype == "f4":
            return {}
        quantization = self.builder.graph.tensors[tensor].quantization
        return {"scale": quantization.scale[0], "zero_point": quantization.zeroPoint[0]}

    def constant(self, shape: Sequence[int], like: int) -> int:
        """Add a constant of the scale and zero point of an activation."""
        if self.dtype == "f4":
            return self.builder.constant(self.random.normal(0, 1, shape).astype("f4"))
        numbers = self.numbers_of(like)
        values = self.random.integers(-128, 128, shape).astype("i1")
        number = self.builder.constant(values, [numbers["scale"]])
        self.builder.graph.tensors[number].quantization.zeroPoint = [numbers["zero_point"]]
        return number

    def integers(self, *values: int) -> int:
        return self.builder.constant(np.array(values, "i4"))

    def weights(self, shape: tuple[int, ...], axis: int, source: int, per_channel: bool) -> list[int]:
        """Add filter and bias tensors."""
        outputs = shape[axis]
        if self.dtype == "f4":
            values = self._pruned(self.random.normal(0, 0.3, shape).astype("f4"))
            biases = self.random.normal(0, 1, outputs).astype("f4")
            return [self.builder.constant(values), self.builder.constant(biases)]
        count = outputs if per_channel else 1
        scales = np.exp(self.random.uniform(np.log(2e-4), np.log(0.02), count)).astype("f4")
        values = self.random.integers(-127, 128, shape).astype("i1")
        biases = self.random.integers(-4000, 4000, outputs).astype("i4")
        bias_scales = np.float32(self.builder.graph.tensors[source].quantization.scale[0]) * scales
        return [
            self.builder.constant(self._pruned(values), scales, axis),
            self.builder.constant(biases, bias_scales, 0),
        ]

    def _pruned(self, values: np.ndarray) -> np.ndarray:
        if self.zeros:
            values[self.random.random(values.shape) < self.zeros] = 0
        return values

    def model(self, name: str, inputs: list[int], output: int, **options: float) -> bytes:
        """Add the operator, and return the model from its first input to its output."""
        self.builder.operator(name, inputs, [output], **options)
        return self.builder.finish(inputs[:1], [output])


def _outputs(length: int, size: int, stride: int, dilation: int, padding: int) -> int:
    extent = (size - 1) * dilation + 1
    return -(-length // stride) if padding == SAME else (length - extent) // stride + 1


def conv_2d(seed: int, dtype: str, dilated: bool = False, zeros: float = 0.0) -> bytes:
    return _convolution(_Case(seed, dtype, zeros), dilated, depthwise=False)


def depthwise_conv_2d(seed: int, dtype: str, dilated: bool = False) -> bytes:
    return _convolution(_Case(seed, dtype), dilated, depthwise=True)


def any_kernel(seed: int) -> bytes:
    """Build one of `KINDS` in int8, every fifth in float32; shapes vary widely."""
    return KINDS[seed // 5 % len(KINDS)](seed, "i1" if seed % 5 else "f4")


def _wide_conv_2d(seed: int, dtype: str) -> bytes:
    channels = (1, 1, 2, 3, 4, 6, 8, 12, 33)
    return _convolution(_Case(seed, dtype), False, depthwise=False, largest=(6, 9), channels=channels)


def _pointwise_conv_2d(seed: int, dtype: str) -> bytes:
    channels = (2, 3, 4, 7, 8, 16, 17, 32, 36, 64)
    stride = 1 + seed % 2
    case = _Case(seed, dtype)
    return _convolution(case, False, depthwise=False, largest=(1, 1), channels=channels, most_stride=stride)


def _wide_depthwise_conv_2d(seed: int, dtype: str) -> bytes:
    channels = (1, 2, 3, 4, 5, 8, 9, 12)
    return _convolution(_Case(seed, dtype), False, depthwise=True, largest=(4, 6), channels=channels)


def _convolution(
    case: _Case,
    dilated: bool,
    depthwise: bool,
    largest: tuple[int, int] = (4, 5),
    most_stride: int = 3,
    channels: Sequence[int] = (),
) -> bytes:
    """Build a convolution; `largest` filter, `most_stride`, and `channels` to choose from."""
    size = case.integer(1, largest[0]), case.integer(1, largest[1])
    stride = case.integer(1, most_stride), case.integer(1, most_stride)
    dilation = (1, 1)
    if dilated:
        stride = 1, 1
        dilation = case.integer(1 + depthwise, 3), case.integer(2 - depthwise, 3)
    image = [case.integer((s - 1) * d + 1, 14) for s, d in zip(size, dilation, strict=True)]
    if depthwise:
        inputs, multiplier = case.choice(*(channels or (1, 2, 3, 5, 8))), case.choice(1, 1, 2, 5)
        outputs = inputs * multiplier
        shape, axis, more = (1, *size, outputs), 3, {"depthMultiplier": multiplier}
    else:
        inputs, outputs = case.choice(*(channels or (1, 2, 3, 4, 7, 16))), case.choice(1, 2, 3, 4, 5, 8, 10)
        shape, axis, more = (outputs, *size, inputs), 0, {}
    padding = case.choice(SAME, VALID)
    source = case.activation(1, *image, inputs)
    windows = zip(image, size, stride, dilation, strict=True)
    output = case.activation(1, *(_outputs(*window, padding) for window in windows), outputs)
    weights = case.weights(shape, axis, source, per_channel=case.choice(0, 1, 1) == 1)
    return case.model(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        [source, *weights],
        output,
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=case.choice(*ACTIVATIONS),
        **more,
    )


def fully_connected(seed: int, dtype: str, zeros: float = 0.0) -> bytes:
    case = _Case(seed, dtype, zeros)
    rows, inputs, outputs = case.choice(1, 1, 3), case.integer(1, 70), case.integer(1, 13)
    source, output = case.activation(rows, inputs), case.activation(rows, outputs)
    weights = case.weights((outputs, inputs), 0, source, per_channel=False)
    fused = case.choice(*ACTIVATIONS)
    return case.model("FULLY_CONNECTED", [source, *weights], output, fusedActivationFunction=fused)


def max_pool_2d(seed: int, dtype: str) -> bytes:
    return average_pool_2d(seed, dtype, "MAX_POOL_2D")


def average_pool_2d(seed: int, dtype: str, name: str = "AVERAGE_POOL_2D") -> bytes:
    case = _Case(seed, dtype)
    size, stride = (case.integer(1, 5), case.integer(1, 5)), (case.integer(1, 4), case.integer(1, 4))
    image = case.integer(size[0], 12), case.integer(size[1], 12)
    padding, channels = case.choice(SAME, VALID), case.integer(1, 9)
    source = case.activation(1, *image, channels)
    same = case.numbers_of(source)
    shape = [_outputs(n, s, t, 1, padding) for n, s, t in zip(image, size, stride, strict=True)]
    return case.model(
        name,
        [source],
        case.activation(1, *shape, channels, **same),
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        filterHeight=size[0],
        filterWidth=size[1],
        fusedActivationFunction=case.choice(*ACTIVATIONS),
    )


def unary(seed: int, dtype: str, name: str = "") -> bytes:
    """Build a function of single elements; a random one without a name."""
    case = _Case(seed, dtype)
    name = name or UNARY[seed % len(UNARY)]
    shape = [case.integer(1, 6) for _ in range(case.integer(1, 4))]
    source = case.activation(*shape)
    output = case.activation(*shape, **FIXED_OUTPUTS.get(name, {}))
    options = {"alpha": float(case.random.choice([0.01, 0.2, 0.3, 1.5]))} if name == "LEAKY_RELU" else {}
    return case.model(name, [source], output, **options)


def binary(seed: int, dtype: str, name: str = "") -> bytes:
    """Build ADD or MUL of the input and a constant or the input's double; dimensions are broadcast."""
    case = _Case(seed, dtype)
    name = name or ("ADD", "MUL")[seed % 2]
    shape = [case.integer(1, 5) for _ in range(case.integer(1, 4))]
    source = case.activation(*shape)
    kind = case.integer(0, 3)
    if kind == 0:  # another activation
        second = case.activation(*shape)
        case.builder.operator("RELU", [source], [second])
        other = shape
    else:
        other = [size if case.integer(0, 1) else 1 for size in shape][case.integer(0, len(shape) - 1) :]
        other = [case.integer(1, 3)] * (kind == 3 and len(shape) < 4 and len(other) == len(shape)) + other
        values = case.random.integers(-128, 128, other) if dtype == "i1" else case.random.normal(0, 1, other)
        scales = [0.02] if dtype == "i1" else []
        second = case.builder.constant(values.astype(dtype), scales)
    output = case.activation(*np.broadcast_shapes(tuple(shape), tuple(other)))
    inputs = [source, second] if case.integer(0, 1) else [second, source]
    case.builder.operator(name, inputs, [output], fusedActivationFunction=case.choice(*ACTIVATIONS))
    return case.builder.finish([source], [output])


def mean(seed: int, dtype: str) -> bytes:
    """Build a MEAN over random axes; every third like global pooling of images, every third unscaled."""
    case = _Case(seed, dtype)
    shape = [case.integer(1, 6) for _ in range(case.integer(1, 4))]
    axes = case.random.permutation(len(shape))[: case.integer(1, len(shape))].tolist()
    keep = bool(case.integer(0, 1))
    if seed % 3 == 0:
        shape, axes, keep = [1, *(case.integer(1, 8) for _ in range(3))], [1, 2], True
    source = case.activation(*shape)
    same = case.numbers_of(source) if seed % 3 == 1 else {}
    sizes = [1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes]
    axes = [axis - len(shape) * case.integer(0, 1) * (seed % 3 != 0) for axis in axes]
    return case.model("MEAN", [source, case.integers(*axes)], case.activation(*sizes, **same), keepDims=keep)


def concatenation(seed: int, dtype: str) -> bytes:
    """Build a CONCATENATION, or a PACK, of the input, another activation and perhaps a constant."""
    case, pack = _Case(seed, dtype), bool(seed % 2)
    shape = [case.integer(1, 5) for _ in range(case.integer(1, 3 if pack else 4))]
    axis = case.integer(0, len(shape) - (not pack))
    source = case.activation(*shape)
    same = case.numbers_of(source)
    second = case.activation(*shape, **same)
    case.builder.operator("RELU", [source], [second])
    parts = [source, second]
    if case.integer(0, 1):
        other = list(shape)
        other[axis - pack] = shape[axis - pack] if pack else case.integer(1, 4)
        parts.append(case.constant(other, source))
    case.random.shuffle(parts)
    if pack:
        output = case.activation(*shape[:axis], len(parts), *shape[axis:], **same)
        case.builder.operator("PACK", parts, [output], axis=axis, valuesCount=len(parts))
    else:
        length = sum(case.builder.graph.tensors[part].shape[axis] for part in parts)
        output = case.activation(*shape[:axis], length, *shape[axis + 1 :], **same)
        case.builder.operator("CONCATENATION", parts, [output], axis=axis - len(shape) * case.integer(0, 1))
    return case.builder.finish([source], [output])


def split(seed: int, dtype: str) -> bytes:
    """Build a SPLIT or SPLIT_V, and the sum of its parts, or one part if their sizes differ."""
    case, equal = _Case(seed, dtype), seed % 2 == 0
    lengths = [case.integer(1, 4)] * case.integer(2, 3) if equal else [case.integer(1, 4) for _ in range(2)]
    shape = [case.integer(1, 5) for _ in range(case.integer(1, 4))]
    axis = case.integer(0, len(shape) - 1)
    shape[axis] = sum(lengths)
    source = case.activation(*shape)
    same = case.numbers_of(source)
    parts = [case.activation(*shape[:axis], n, *shape[axis + 1 :], **same) for n in lengths]
    if equal:
        case.builder.operator("SPLIT", [case.integers(axis), source], parts, numSplits=len(parts))
        output = case.activation(*case.builder.graph.tensors[parts[0]].shape)
        case.builder.operator("ADD", [parts[-1], parts[0]], [output])
    else:
        inputs = [source, case.integers(*lengths), case.integers(axis)]
        case.builder.operator("SPLIT_V", inputs, parts, numSplits=len(parts))
        output = parts[case.integer(0, 1)]
    return case.builder.finish([source], [output])


def strided_slice(seed: int, dtype: str) -> bytes:
    """Build a STRIDED_SLICE with masks, negative bounds and dropped dimensions."""
    case = _Case(seed, dtype)
    shape = [case.integer(1, 7) for _ in range(case.integer(1, 4))]
    bounds: list[tuple[int, int, int]] = []
    masks, sizes = {"beginMask": 0, "endMask": 0, "shrinkAxisMask": 0}, []
    for axis, size in enumerate(shape):
        first = case.integer(0, size - 1)
        last, stride = case.integer(first, size - 1), case.integer(1, 3)
        if case.integer(0, 3) == 0 and len(sizes) + len(shape) - axis > 1:
            masks["shrinkAxisMask"] |= 1 << axis
            bounds.append((first - size * case.integer(0, 1), last + 1, 1))
            continue
        begin_open, end_open = case.integer(0, 3) == 0, case.integer(0, 3) == 0
        masks["beginMask"] |= begin_open << axis
        masks["endMask"] |= end_open << axis
        bounds.append((first - size * case.integer(0, 1), last + 1, stride))
        sizes.append(len(range(0 if begin_open else first, size if end_open else last + 1, stride)))
    source = case.activation(*shape)
    output = case.activation(*sizes, **case.numbers_of(source))
    return case.model(
        "STRIDED_SLICE",
        [source, *(case.integers(*one) for one in zip(*bounds, strict=True))],
        output,
        **masks,
    )


def streaming(seed: int, dtype: str) -> bytes:
    """Build a network of two variables like microWakeWord's: rows come in, and the oldest ones go out."""
    case = _Case(seed, dtype)
    new, kept, channels = case.integer(1, 3), case.integer(1, 5), case.integer(1, 6)
    rows = new + kept
    source = case.activation(1, new, channels)
    same = case.numbers_of(source)
    zero = same.get("zero_point", 0)
    builder = case.builder
    first = np.full((1, kept, channels), zero, dtype)
    if seed % 2:
        first[0, 0] = 1
    window = builder.variable("window", first, source)
    count = builder.variable("count", np.full((1, new, channels), zero, dtype), source)
    before, joined = case.activation(1, kept, channels, **same), case.activation(1, rows, channels, **same)
    builder.operator("READ_VARIABLE", [window], [before])
    builder.operator("CONCATENATION", [before, source], [joined], axis=1)
    newest = case.activation(1, kept, channels, **same)
    bounds = [case.integers(*one) for one in ((0, new, 0), (1, rows, channels), (1, 1, 1))]
    builder.operator("STRIDED_SLICE", [joined, *bounds], [newest])
    builder.operator("ASSIGN_VARIABLE", [window, newest], [])
    total, sums = (case.activation(1, new, channels, **same) for _ in range(2))
    builder.operator("READ_VARIABLE", [count], [total])
    builder.operator("ADD", [total, source], [sums])
    builder.operator("ASSIGN_VARIABLE", [count, sums], [])
    output = case.activation(1, rows + new, channels, **same)
    # The variable's value from before the assignment.
    builder.operator("CONCATENATION", [joined, total], [output], axis=1)
    return builder.finish([source], [output])


def softmax(seed: int, dtype: str) -> bytes:
    case = _Case(seed, dtype)
    shape = case.choice(1, 1, 3), case.choice(1, 2, 4, 12, 60, 200)
    source = case.activation(*shape)
    output = case.activation(*shape, scale=1 / 256, zero_point=-128)
    return case.model("SOFTMAX", [source], output, beta=float(case.random.choice([1.0, 1.0, 0.3, 2.5])))


def pad(seed: int, dtype: str) -> bytes:
    """Build a PAD that pads channels too, which does not fold."""
    case = _Case(seed, dtype)
    shape = [case.integer(1, 4) for _ in range(case.integer(2, 4))]
    amounts = case.random.integers(0, 3, (len(shape), 2)).astype("i4")
    amounts[-1, 1] += 1
    source = case.activation(*shape, scale=0.1, zero_point=-7)
    output = case.activation(*(shape + amounts.sum(axis=1)).tolist(), scale=0.1, zero_point=-7)
    return case.model("PAD", [source, case.builder.constant(amounts)], output)


def transpose(seed: int, dtype: str) -> bytes:
    case = _Case(seed, dtype)
    rank = case.integer(2, 4)
    shape = [case.integer(2, 4) for _ in range(rank)]
    order = case.random.permutation(rank).astype("i4")
    source = case.activation(*shape, scale=0.1, zero_point=-7)
    output = case.activation(*(shape[axis] for axis in order), scale=0.1, zero_point=-7)
    return case.model("TRANSPOSE", [source, case.builder.constant(order)], output)


def quantize(seed: int, dtype: str) -> bytes:
    """Build a QUANTIZE of float32, or of int8 with another scale."""
    case = _Case(seed, dtype)
    return case.model("QUANTIZE", [case.activation(1, 50)], case.activation(1, 50, dtype="i1"))


def dequantize(seed: int, dtype: str) -> bytes:
    case = _Case(seed, dtype)
    return case.model("DEQUANTIZE", [case.activation(1, 50)], case.activation(1, 50, dtype="f4"))


KINDS = (
    _wide_conv_2d,
    _wide_conv_2d,
    _wide_conv_2d,
    _pointwise_conv_2d,
    _wide_depthwise_conv_2d,
    _wide_depthwise_conv_2d,
    fully_connected,
    average_pool_2d,
    unary,
    unary,
    binary,
    binary,
    max_pool_2d,
    mean,
    mean,
    concatenation,
    concatenation,
    split,
    strided_slice,
    strided_slice,
    streaming,
)
"""Builders of the models of `any_kernel`."""

"""Small classifiers as .tflite files, and TinyConv with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tflite_builder import ModelBuilder


def classifier(
    path: Path, elements: int = 40, hidden: int = 0, last: str = "SOFTMAX", labels: int = 4
) -> Path:
    """Write an int8 model: fully connected to `hidden` units and from there to the outputs."""
    generator, builder = np.random.default_rng(0), ModelBuilder()

    def dense(source: int, inputs: int, outputs: int) -> int:
        weights = generator.integers(-127, 128, (outputs, inputs)).astype("i1")
        bias = np.zeros(outputs, "i4")
        output = builder.activation((1, outputs), "i1", 0.1)
        builder.operator(
            "FULLY_CONNECTED",
            [source, builder.constant(weights, [0.01]), builder.constant(bias, [0.001])],
            [output],
        )
        return output

    source = builder.activation((1, elements), "i1", 0.1)
    logits = (
        dense(dense(source, elements, hidden), hidden, labels) if hidden else dense(source, elements, labels)
    )
    output = builder.activation((1, labels), "i1", 1 / 256, -128)
    builder.operator(last, [logits], [output], **({"beta": 1.0} if last == "SOFTMAX" else {}))
    path.write_bytes(builder.finish([source], [output]))
    return path


def tinyconv(conv_zeros: float, fc_zeros: float, dtype: str = "i1", channels: int = 8) -> bytes:
    """Build TinyConv's layers, 10 x 8 taps at strides of 2 and 4 outputs; shares of the weights are 0."""
    builder, quantized = ModelBuilder(), dtype == "i1"
    scales = [(0.1, -128), (0.15, -128), (0.4, 12)] if quantized else [(0.0, 0)] * 3
    shapes = [(1, 49, 40, 1), (1, 25, 20, channels), (1, 4)]
    tensors = [builder.activation(shape, dtype, *scale) for shape, scale in zip(shapes, scales, strict=True)]
    weights = []
    for seed, (shape, zeros) in enumerate(
        [((channels, 10, 8, 1), conv_zeros), ((4, 500 * channels), fc_zeros)]
    ):
        random = np.random.default_rng(seed)
        drawn = random.integers(1, 128, shape) * random.choice([-1, 1], shape)
        drawn.reshape(-1)[random.permutation(drawn.size)[: round(drawn.size * zeros)]] = 0
        bias = np.arange(shape[0]).astype("i4" if quantized else "f4")
        weights.append(
            [
                builder.constant(drawn.astype(dtype), [0.002] if quantized else []),
                builder.constant(bias, [2e-4] if quantized else []),
            ]
        )
    options = {"strideH": 2, "strideW": 2, "dilationHFactor": 1, "dilationWFactor": 1}
    builder.operator("CONV_2D", [tensors[0], *weights[0]], tensors[1:2], fusedActivationFunction=1, **options)
    builder.operator("FULLY_CONNECTED", [tensors[1], *weights[1]], tensors[2:])
    return builder.finish(tensors[:1], tensors[2:])


def pointwise(dtype: str, pixels: int, channels: int = 32) -> bytes:
    """Build a convolution of single pixels of one row."""
    builder, random = ModelBuilder(), np.random.default_rng(1)
    quantization = (0.05, -9) if dtype == "i1" else ()
    source, output = (builder.activation((1, 1, pixels, channels), dtype, *quantization) for _ in range(2))
    shape = channels, 1, 1, channels
    if dtype == "i1":
        weights = builder.constant(random.integers(-127, 128, shape).astype("i1"), [0.004])
    else:
        weights = builder.constant(random.normal(0, 0.3, shape).astype("f4"))
    options = {"padding": 1, "strideH": 1, "strideW": 1}
    builder.operator("CONV_2D", [source, weights], [output], **options)
    return builder.finish([source], [output])

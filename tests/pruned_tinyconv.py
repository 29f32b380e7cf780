"""TinyConv with random weights, a share of which is zero."""

from __future__ import annotations

import numpy as np
from tflite_builder import ModelBuilder


def _pruned(values: np.ndarray, zeros: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    drawn = random.integers(1, 128, values.shape) * random.choice([-1, 1], values.shape)
    drawn.reshape(-1)[random.permutation(drawn.size)[: round(drawn.size * zeros)]] = 0
    return drawn.astype(values.dtype)


def tinyconv(conv_zeros: float, fc_zeros: float, dtype: str = "i1", channels: int = 8) -> bytes:
    """Build TinyConv's layers: 10 x 8 taps at strides of 2, and 4 fully connected outputs."""
    builder = ModelBuilder()
    scales = [(0.1, -128), (0.15, -128), (0.4, 12)] if dtype == "i1" else [(0.0, 0)] * 3
    shapes = [(1, 49, 40, 1), (1, 25, 20, channels), (1, 4)]
    tensors = [builder.activation(shape, dtype, *scale) for shape, scale in zip(shapes, scales, strict=True)]
    bias = "i4" if dtype == "i1" else "f4"
    layers = [((channels, 10, 8, 1), conv_zeros), ((4, 500 * channels), fc_zeros)]
    weights = []
    for number, (shape, zeros) in enumerate(layers):
        values = _pruned(np.zeros(shape, dtype), zeros, number)
        own = [0.002] if dtype == "i1" else []
        weights.append(
            [
                builder.constant(values, own),
                builder.constant(np.arange(shape[0]).astype(bias), own and [2e-4]),
            ]
        )
    options = {"strideH": 2, "strideW": 2, "dilationHFactor": 1, "dilationWFactor": 1}
    builder.operator("CONV_2D", [tensors[0], *weights[0]], tensors[1:2], fusedActivationFunction=1, **options)
    builder.operator("FULLY_CONNECTED", [tensors[1], *weights[1]], tensors[2:])
    return builder.finish(tensors[:1], tensors[2:])

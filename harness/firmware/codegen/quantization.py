"""Real scales as integers, exactly as TensorFlow Lite derives them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

INT8_MIN, INT8_MAX = -128, 127


@dataclass(frozen=True)
class Multiplier:
    """A real factor m as integers: x * m = x * 2^left_shift * value / 2^31 / 2^right_shift.

    Attributes:
        value: 0, or 2^30 to 2^31 - 1.
        left_shift: 0 to 30.
        right_shift: 0 to 31; one of the shifts is 0.
    """

    value: int
    left_shift: int
    right_shift: int


def quantize_multiplier(real: float) -> Multiplier:
    """Split a factor >= 0 into significand and shifts, like TensorFlow Lite's QuantizeMultiplier.

    See quantization_util.cc. Halves are rounded away from zero.

    Raises:
        ValueError: the factor is 2^30 or above.
    """
    fraction, exponent = math.frexp(real)
    value = math.floor(fraction * (1 << 31) + 0.5)
    if value == 1 << 31:
        value, exponent = value >> 1, exponent + 1
    if exponent < -31:
        return Multiplier(0, 0, 0)
    if exponent > 30:
        raise ValueError(f"the factor {real:g} is 2^30 or above")
    return Multiplier(value, max(exponent, 0), max(-exponent, 0))


def channel_multipliers(
    input_scale: float, weight_scales: tuple[float, ...], output_scale: float
) -> tuple[Multiplier, ...]:
    """Return the factor from sums of products to outputs, for each scale of the weights.

    TensorFlow Lite's PopulateConvolutionQuantizationParams (kernel_util.cc).
    """
    return tuple(quantize_multiplier(input_scale * scale / output_scale) for scale in weight_scales)


def tensor_multiplier(input_scale: float, weight_scale: float, output_scale: float) -> Multiplier:
    """Return the factor of a fully connected layer with a single scale.

    TensorFlow Lite multiplies the two scales in float32 there: GetQuantizedConvolutionMultipler
    (kernel_util.cc).
    """
    product = float(np.float32(input_scale) * np.float32(weight_scale))
    return quantize_multiplier(product / output_scale)


def add_multipliers(first: float, second: float, output: float) -> tuple[Multiplier, Multiplier, Multiplier]:
    """Return the factors of ADD's inputs, to twice the larger scale times 2^-20, and of their sum.

    TensorFlow Lite's Prepare of add.cc.

    Raises:
        ValueError: the sum's factor is 1 or above.
    """
    twice = 2 * max(first, second)
    factors = first / twice, second / twice, twice / ((1 << 20) * output)
    if factors[2] >= 1:
        raise ValueError(f"the factor {factors[2]:g} is 1 or above")
    return quantize_multiplier(factors[0]), quantize_multiplier(factors[1]), quantize_multiplier(factors[2])


def product_multiplier(first: float, second: float, output: float) -> Multiplier:
    """Return the factor of MUL, whose scales TensorFlow Lite combines in float32 (mul.cc)."""
    return quantize_multiplier(float(np.float32(first) * np.float32(second) / np.float32(output)))


def mean_multiplier(source: float, output: float, count: int) -> Multiplier:
    """Return the factor from sums of `count` elements to their mean (QuantizedMeanOrSum of reduce.h)."""
    whole = quantize_multiplier(source / output)
    exponent = whole.left_shift - whole.right_shift
    shift = min(count.bit_length() - 1, 32, 31 + exponent)
    exponent -= shift
    return Multiplier((whole.value << shift) // count, max(exponent, 0), max(-exponent, 0))


ACTIVATIONS: dict[str, tuple[float, float]] = {
    "NONE": (-math.inf, math.inf),
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}
"""The least and the largest output of a fused activation."""


def int8_activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Return the least and the largest output element (CalculateActivationRangeQuantized)."""

    def quantized(limit: float) -> int:
        ratio = float(np.float32(limit) / np.float32(scale))
        if math.isinf(ratio):
            return INT8_MIN if ratio < 0 else INT8_MAX
        return zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    least, most = ACTIVATIONS[activation]
    return max(INT8_MIN, quantized(least)), min(INT8_MAX, quantized(most))


@dataclass(frozen=True)
class SoftmaxScaling:
    """The scaling of differences of int8 inputs to exponents in Q5.26.

    Attributes:
        multiplier: 2^30 to 2^31 - 1.
        left_shift: 0 to 30.
        least_difference: least difference to the largest input; exponentials below count as 0.
    """

    multiplier: int
    left_shift: int
    least_difference: int


def softmax_scaling(beta: float, input_scale: float) -> SoftmaxScaling:
    """Return TensorFlow Lite's PreprocessSoftmaxScaling and CalculateInputRadius (quantization_util.cc).

    Raises:
        ValueError: beta * input_scale is not above 2^-26.
    """
    integer_bits = 5
    # beta is a float32, and its product with the scale is taken in double.
    real = min(float(np.float32(beta)) * input_scale * (1 << (31 - integer_bits)), float((1 << 31) - 1))
    if real <= 1:
        raise ValueError("beta * scale is 2^-26 or below")
    if real >= 1 << 30:
        return SoftmaxScaling(1 << 30, 0, 0)  # the smallest difference is too large already
    scaled = quantize_multiplier(real)
    largest = ((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << scaled.left_shift)
    return SoftmaxScaling(scaled.value, scaled.left_shift, -math.floor(largest))

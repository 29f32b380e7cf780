"""Functions of single int8 elements as tables of 256, entry by entry as TensorFlow Lite computes them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from harness.firmware.codegen.program import Unary, Value
from harness.firmware.codegen.quantization import (
    INT8_MAX,
    INT8_MIN,
    Multiplier,
    int8_activation_range,
    quantize_multiplier,
)

_SHORT_MIN, _SHORT_MAX = -(1 << 15), (1 << 15) - 1


def table(step: Unary) -> np.ndarray:
    """Return a step's outputs for the inputs -128 to 127, int8.

    Raises:
        ValueError: the scales are out of the range of TensorFlow Lite's kernel.
    """
    name, source, output = step.operator.name, step.input, step.output
    least, most = INT8_MIN, INT8_MAX
    if name in _TRANSFORMS:
        values = _transformed(_TRANSFORMS[name], source, output)
    elif name == "HARD_SWISH":
        values = _hard_swish(source, output)
    else:
        # Factors are quotients of float32, as in the Prepare functions of activations.cc.
        positive = _float32(np.float32(source.scale) / np.float32(output.scale))
        negative = positive
        if name == "LEAKY_RELU":
            negative = _float32(np.float32(source.scale) * np.float32(step.alpha) / np.float32(output.scale))
        else:
            least, most = int8_activation_range(name, output.scale, output.zero_point)
        values = _rescaled(source, positive, negative) + output.zero_point
    return np.clip(values, least, most).astype(np.int8)


def _inputs(source: Value) -> range:
    return range(INT8_MIN - source.zero_point, INT8_MAX + 1 - source.zero_point)


def _float32(number: np.floating) -> float:
    return float(np.float32(number))


def _sigmoid(x: np.float32) -> np.float32:
    power = min(-float(x), 88.0)  # the float32 of e^89 is infinite; the quotient is far below a step before
    return np.float32(1) / (np.float32(1) + np.float32(math.exp(power)))


_TRANSFORMS: dict[str, Callable[[np.float32], np.float32]] = {
    "LOGISTIC": _sigmoid,
    "TANH": lambda x: np.float32(math.tanh(float(x))),
}


def _transformed(transform: Callable[[np.float32], np.float32], source: Value, output: Value) -> np.ndarray:
    """Compute a function in float32 (LUTPopulate of lite/kernels/internal/common.h)."""
    inverse = np.float32(1) / np.float32(output.scale)
    real = (transform(np.float32(source.scale) * np.float32(q)) * inverse for q in _inputs(source))
    return np.array([_away_from_zero(float(value)) + output.zero_point for value in real])


def _away_from_zero(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _rescaled(source: Value, positive: float, negative: float) -> np.ndarray:
    """Multiply inputs by factors (MultiplyByQuantizedMultiplier); a negative factor is LEAKY_RELU's alpha."""
    up, down = quantize_multiplier(positive), quantize_multiplier(abs(negative))
    if negative < 0:
        down = Multiplier(-down.value, down.left_shift, down.right_shift)
    return np.array([_scale_by(q, up if q >= 0 else down) for q in _inputs(source)])


def _scale_by(x: int, multiplier: Multiplier) -> int:
    """Multiply as scale_by of fixed_point.h, with a shift modulo 2^32."""
    shifted = ((x << multiplier.left_shift) + (1 << 31)) % (1 << 32) - (1 << 31)
    high = (shifted * multiplier.value + (1 << 30)) >> 31
    return _divide_by_power(high, multiplier.right_shift)


def _divide_by_power(x: int, exponent: int) -> int:
    """Divide by 2^exponent, halves away from zero: gemmlowp's RoundingDivideByPOT."""
    return (abs(x) + (1 << exponent >> 1) >> exponent) * (1 if x >= 0 else -1)


def _hard_swish(source: Value, output: Value) -> np.ndarray:
    """Compute in int16 (HardSwish of reference/hard_swish.h, and HardSwishPrepare)."""
    fine = np.float32(1 / 128) * np.float32(source.scale)
    after = quantize_multiplier(_float32(fine / np.float32(output.scale)))
    relu = quantize_multiplier(_float32(fine / np.float32(3 / 32768)))
    if after.left_shift > 0 or max(after.right_shift, relu.right_shift) > 15:
        raise ValueError(f"scales of {source.scale:g} and {output.scale:g}")
    return np.array([_hard_swish_of(q, after, relu) + output.zero_point for q in _inputs(source)])


def _hard_swish_of(q: int, after: Multiplier, relu: Multiplier) -> int:
    x = q * 128
    scaled = _short_high(x, _short_multiplier(after))
    share = x
    if relu.left_shift > 0:
        share = _short(share << relu.left_shift - 1)
    share = _short_high(share, _short_multiplier(relu))
    if relu.left_shift > 0:
        share = _short(share << 1)
    share = _divide_by_power(share, relu.right_shift)
    share = (share + (1 << 15)) >> 1  # from [-1, 1] to [0, 1]
    product = share * scaled
    toward_zero = abs(product) >> 15
    return _divide_by_power(toward_zero if product >= 0 else -toward_zero, after.right_shift)


def _short(x: int) -> int:
    return max(_SHORT_MIN, min(_SHORT_MAX, x))


def _short_multiplier(multiplier: Multiplier) -> int:
    return min((multiplier.value + (1 << 15)) >> 16, _SHORT_MAX)


def _short_high(a: int, b: int) -> int:
    """Return a * b / 2^15, to the nearest, halves up: SaturatingRoundingDoublingHighMul of int16."""
    return _short((a * b + (1 << 14)) >> 15)

"""Bias, multiplier and shifts that turn sums of products into output elements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from harness.errors import Unsupported
from harness.firmware.codegen.blocks import bias_with_zero_point
from harness.firmware.codegen.program import Conv2D, DepthwiseConv2D, FullyConnected, Step, Weights
from harness.firmware.codegen.quantization import (
    INT8_MAX,
    INT8_MIN,
    Multiplier,
    channel_multipliers,
    tensor_multiplier,
)

_SMALL = 1 << 30


@dataclass(frozen=True)
class Channels:
    """Constants of each output: the struct of output_stage.h, and its members."""

    kind: str
    fields: tuple[tuple[int | float, ...], ...]


def doubled(step: Conv2D | DepthwiseConv2D | FullyConnected, by_output: np.ndarray) -> Channels | None:
    """Return the channels of a kernel of simd_s8.h; None if a sum or a factor is out of its range.

    Args:
        step: the layer, in int8.
        by_output: values of the weights as (outputs, taps).
    """
    multipliers, zero_point = _multipliers(step, step.weights), step.output.zero_point
    if not _sums_are_small(step.weights.bias, by_output) or min(m.right_shift for m in multipliers) < 1:
        return None
    offsets = _offsets(multipliers, zero_point)
    if max(map(abs, offsets)) >= _SMALL:
        return None
    rows = zip(step.weights.bias.tolist(), multipliers, offsets, strict=True)
    return Channels(
        "DoubledChannel", tuple((2 * bias, m.value, offset, m.right_shift) for bias, m, offset in rows)
    )


def finished(step: Step, weights: Weights, by_output: np.ndarray) -> Channels:
    """Return the channels of a convolution or a fully connected layer.

    Args:
        step: the layer.
        weights: the layer's weights.
        by_output: values of the weights as (outputs, taps).

    Raises:
        Unsupported: the scales are out of the kernels' range.
    """
    if step.input.type == "float32":
        return Channels("FloatChannel", tuple((float(bias),) for bias in weights.bias))
    multipliers = _multipliers(step, weights)
    biases = bias_with_zero_point(by_output, weights.bias, step.input.zero_point).tolist()
    if _sums_are_small(weights.bias, by_output) and all(m.right_shift >= 1 for m in multipliers):
        offsets = _offsets(multipliers, step.output.zero_point)
        if max(map(abs, offsets)) < _SMALL:
            rows = zip(biases, multipliers, offsets, strict=True)
            fields = tuple((bias, m.value, offset, m.right_shift) for bias, m, offset in rows)
            return Channels("SmallInt8Channel", fields)
    pairs = zip(biases, multipliers, strict=True)
    return Channels("Int8Channel", tuple((bias, m.value, m.left_shift, m.right_shift) for bias, m in pairs))


def packed(channels: Channels) -> Channels:
    """Return the channels in less flash, if the kernels have a packed struct for them."""
    if channels.kind != "SmallInt8Channel":
        return channels
    rows = tuple((bias, multiplier, shift) for bias, multiplier, _, shift in channels.fields)
    return Channels("PackedInt8Channel", rows)


@contextmanager
def scales_of(step: Step) -> Iterator[None]:
    """Turn a ValueError about a step's scales into a Unsupported."""
    try:
        yield
    except ValueError as problem:
        raise Unsupported(
            f"its scales are out of range: {problem}",
            where=str(step.operator),
            remedy="Calibrate the conversion with real inputs.",
        ) from problem


def _multipliers(step: Step, weights: Weights) -> tuple[Multiplier, ...]:
    source, output = step.input.scale, step.output.scale
    with scales_of(step):
        if isinstance(step, FullyConnected) and len(weights.scales) == 1:
            found: tuple[Multiplier, ...] = (tensor_multiplier(source, weights.scales[0], output),)
        else:
            found = channel_multipliers(source, weights.scales, output)
    return found if len(found) > 1 else found * len(weights.bias)


def _offsets(multipliers: tuple[Multiplier, ...], zero_point: int) -> list[int]:
    """Return the output's zero point and a half in units of the product before the shift."""
    return [(zero_point << m.right_shift) + (1 << m.right_shift - 1) for m in multipliers]


def _sums_are_small(bias: np.ndarray, by_output: np.ndarray) -> bool:
    """Tell if all sums, bias included, stay below 2^30 for any input."""
    largest_input = INT8_MAX - INT8_MIN  # less the zero point, which is an int8 too
    most = np.abs(bias.astype(np.int64)) + largest_input * np.abs(by_output.astype(np.int64)).sum(axis=1)
    return bool((most < _SMALL).all())

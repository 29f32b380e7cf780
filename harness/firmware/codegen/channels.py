"""Bias, multiplier and shifts that turn sums of products into output elements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from harness.errors import BuildFailed
from harness.firmware.codegen.blocks import bias_with_zero_point
from harness.firmware.codegen.program import FullyConnected, Step, Weights
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


def finished(step: Step, weights: Weights, by_output: np.ndarray) -> Channels:
    """Return the channels of a convolution or a fully connected layer.

    Args:
        step: the layer.
        weights: the layer's weights.
        by_output: values of the weights as (outputs, taps).

    Raises:
        BuildFailed: the scales are out of the kernels' range.
    """
    if step.input.type == "float32":
        return Channels("FloatChannel", tuple((float(bias),) for bias in weights.bias))
    multipliers = _multipliers(step, weights)
    biases = bias_with_zero_point(by_output, weights.bias, step.input.zero_point).tolist()
    if _sums_are_small(weights.bias, by_output) and all(m.right_shift >= 1 for m in multipliers):
        zero_point = step.output.zero_point
        offsets = [(zero_point << m.right_shift) + (1 << m.right_shift - 1) for m in multipliers]
        if all(abs(offset) < _SMALL for offset in offsets):
            rows = zip(biases, multipliers, offsets, strict=True)
            fields = tuple((bias, m.value, offset, m.right_shift) for bias, m, offset in rows)
            return Channels("SmallInt8Channel", fields)
    pairs = zip(biases, multipliers, strict=True)
    return Channels("Int8Channel", tuple((bias, m.value, m.left_shift, m.right_shift) for bias, m in pairs))


@contextmanager
def scales_of(step: Step) -> Iterator[None]:
    """Turn a ValueError about a step's scales into a BuildFailed."""
    try:
        yield
    except ValueError as problem:
        raise BuildFailed(
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


def _sums_are_small(bias: np.ndarray, by_output: np.ndarray) -> bool:
    """Tell if all sums, bias included, stay below 2^30 for any input."""
    largest_input = INT8_MAX - INT8_MIN  # less the zero point, which is an int8 too
    most = np.abs(bias.astype(np.int64)) + largest_input * np.abs(by_output.astype(np.int64)).sum(axis=1)
    return bool((most < _SMALL).all())

"""Bias, multiplier and shifts that turn sums of products into output elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from harness.errors import Unsupported
from harness.firmware.codegen.blocks import bias_with_zero_point
from harness.firmware.codegen.program import FullyConnected, Layer, Step
from harness.firmware.codegen.quantization import (
    INT8_MAX,
    INT8_MIN,
    Multiplier,
    channel_multipliers,
    tensor_multiplier,
)

_SMALL = 1 << 30
DOUBLED_CHANNEL_ELEMENTS = 8
"""Size of a DoubledChannel in int16."""


@dataclass(frozen=True)
class Channels:
    """Constants of each output: the struct of output_stage.h, and its members."""

    kind: str
    fields: tuple[tuple[int | float, ...], ...]


def doubled(step: Layer, by_output: np.ndarray) -> Channels | None:
    """Return the channels of a kernel of simd_s8.h; None if a sum or a factor is out of its range.

    Args:
        step: the layer, in int8.
        by_output: values of the weights as (outputs, taps).
    """
    multipliers = _multipliers(step)
    offsets = _offsets(step, multipliers, by_output)
    if offsets is None:
        return None
    biases = (2 * step.weights.bias.astype(np.int64)).tolist()
    return Channels("DoubledChannel", _rows(biases, multipliers, offsets))


def common_shift(channels: Channels) -> int:
    """Return kRightShift of DoubledChannels: the shift of all, or 0 where they differ."""
    shifts = {int(fields[3]) for fields in channels.fields}
    return shifts.pop() if len(shifts) == 1 else 0


def finished(step: Layer, by_output: np.ndarray) -> Channels:
    """Return the channels of a portable kernel.

    Args:
        step: the layer.
        by_output: values of the weights as (outputs, taps).

    Raises:
        Unsupported: the scales are out of the kernels' range.
    """
    if step.input.type == "float32":
        return Channels("FloatChannel", tuple((float(bias),) for bias in step.weights.bias))
    multipliers = _multipliers(step)
    biases = bias_with_zero_point(by_output, step.weights.bias, step.input.zero_point).tolist()
    offsets = _offsets(step, multipliers, by_output)
    if offsets is not None:
        return Channels("SmallInt8Channel", _rows(biases, multipliers, offsets))
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
    """Turn a ValueError about a step's scales into an Unsupported."""
    try:
        yield
    except ValueError as problem:
        raise Unsupported(
            f"its scales are out of range: {problem}",
            where=str(step.operator),
            remedy="Calibrate the conversion with real inputs.",
        ) from problem


def _multipliers(step: Layer) -> tuple[Multiplier, ...]:
    source, weights, output = step.input.scale, step.weights, step.output.scale
    with scales_of(step):
        if isinstance(step, FullyConnected) and len(weights.scales) == 1:
            found: tuple[Multiplier, ...] = (tensor_multiplier(source, weights.scales[0], output),)
        else:
            found = channel_multipliers(source, weights.scales, output)
    return found if len(found) > 1 else found * len(weights.bias)


def _offsets(step: Layer, multipliers: Sequence[Multiplier], by_output: np.ndarray) -> list[int] | None:
    """Return the output's zero point and a half in units of each product before its shift.

    Return None unless all sums, bias included, stay below 2^30 for any input, and so do the results.
    """
    largest_input = INT8_MAX - INT8_MIN  # less the zero point, which is an int8 too
    products = largest_input * np.abs(by_output.astype(np.int64)).sum(axis=1)
    sums = np.abs(step.weights.bias.astype(np.int64)) + products
    if (sums >= _SMALL).any() or min(m.right_shift for m in multipliers) < 1:
        return None
    zero_point = step.output.zero_point
    offsets = [(zero_point << m.right_shift) + (1 << m.right_shift - 1) for m in multipliers]
    return offsets if max(map(abs, offsets)) < _SMALL else None


def _rows(
    biases: Sequence[int], multipliers: Sequence[Multiplier], offsets: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    rows = zip(biases, multipliers, offsets, strict=True)
    return tuple((bias, m.value, offset, m.right_shift) for bias, m, offset in rows)

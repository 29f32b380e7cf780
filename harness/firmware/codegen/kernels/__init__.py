"""Fast kernels: one module each, with an `operation` that returns None for a step that it does not cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.firmware.codegen.kernels import (
    avgpool_s8,
    convolve_1_channel_s8,
    convolve_f32,
    convolve_s8,
    depthwise_conv_s8,
)
from harness.firmware.codegen.operations import Operation
from harness.firmware.codegen.program import AveragePool2D, Conv2D, DepthwiseConv2D, Step


def fast_operation(step: Step) -> Operation | None:
    """Return the call of the fast kernel that covers a step; None if there is none."""
    kernel = _KERNELS.get((type(step), step.input.type))
    return kernel(step) if kernel else None


def is_portable(operation: Operation) -> bool:
    """Tell if a step whose operator and type have a fast kernel takes the portable one, for its shape."""
    step = operation.step
    has_one = (type(step), step.input.type) in _KERNELS
    return has_one and not operation.skips_zeros and fast_operation(step) is None


def _convolve_s8(step: Conv2D) -> Operation | None:
    kernel = convolve_1_channel_s8 if step.input.shape[3] == 1 else convolve_s8
    return kernel.operation(step)


_KERNELS: dict[tuple[type[Step], str], Callable[[Any], Operation | None]] = {
    (AveragePool2D, "int8"): avgpool_s8.operation,
    (Conv2D, "float32"): convolve_f32.operation,
    (Conv2D, "int8"): _convolve_s8,
    (DepthwiseConv2D, "int8"): depthwise_conv_s8.operation,
}

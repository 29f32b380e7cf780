"""Fast kernels: one module each, with an `operation` that returns None for a step that it does not cover."""

from __future__ import annotations

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
    if step.input.type == "float32":
        return convolve_f32.operation(step) if isinstance(step, Conv2D) else None
    if isinstance(step, Conv2D):
        kernel = convolve_1_channel_s8 if step.input.shape[3] == 1 else convolve_s8
        return kernel.operation(step)
    if isinstance(step, DepthwiseConv2D):
        return depthwise_conv_s8.operation(step)
    if isinstance(step, AveragePool2D):
        return avgpool_s8.operation(step)
    return None

"""Arguments of convolve_1_channel_s8.h."""

from __future__ import annotations

import math

from harness.firmware.codegen.channels import doubled
from harness.firmware.codegen.kernels.narrow import narrowed, sliding_row
from harness.firmware.codegen.operations import Operation, finish, image, padded
from harness.firmware.codegen.program import Conv2D

STRIP_OUTPUTS = 2
"""Rows of outputs for which the strip has the input's rows: the rows that stay are moved half as often."""


def operation(step: Conv2D) -> Operation | None:
    """Return the kernel call of a convolution of one channel without dilation."""
    channels = doubled(step, step.weights.values.reshape(len(step.weights.values), -1))
    if step.input.shape[3] != 1 or step.window.dilation != (1, 1) or channels is None:
        return None
    rows = sliding_row(step.weights.values[..., 0], step.window.stride[1])
    weights = narrowed(rows)
    columns = (step.output.shape[2] - 1) * step.window.stride[1] + step.window.size[1]
    strip_rows = (STRIP_OUTPUTS - 1) * step.window.stride[0] + step.window.size[0]
    shifts = {fields[3] for fields in channels.fields}
    return Operation(
        step,
        "convolve_1_channel_s8.h",
        "convolve_1_channel_s8",
        {
            **image(step.input, step.output, step.window),
            "kOutputChannels": len(step.weights.values),
            **padded(step.input, step.window),
            **finish(step.output, step.activation),
            "kStripOutputs": STRIP_OUTPUTS,
            "kRightShift": int(shifts.pop()) if len(shifts) == 1 else 0,
        },
        weights=weights,
        channels=channels,
        scratch_bytes=2 * (strip_rows * -(-columns // 2) * 2 + weights.size),
        scratch_element="int16_t",
        scratch_in_kernel="kernels::Convolve1Channel<OP>::kScratchBytes",
        input_behind=input_behind(step, STRIP_OUTPUTS),
    )


def input_behind(step: Conv2D, strip_outputs: int) -> int | None:
    """Return how far the input lies behind the output that a kernel with a strip writes over it.

    Before a strip's outputs are written, the kernel has read all rows of the input up to the strip's last.
    """
    if step.input.shape[0] > 1:
        return None
    out_row = math.prod(step.output.shape[2:])
    in_row = step.input.bytes // step.input.shape[1]
    behind = 0
    for first in range(0, step.output.shape[1], strip_outputs):
        last = first + strip_outputs
        read = (last - 1) * step.window.stride[0] + step.window.size[0] - step.window.before[0]
        if read < step.input.shape[1]:
            behind = max(behind, last * out_row - max(read, 0) * in_row)
    return behind

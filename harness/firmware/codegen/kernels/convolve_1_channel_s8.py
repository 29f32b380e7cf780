"""Arguments of convolve_1_channel_s8.h."""

from __future__ import annotations

from harness.firmware.codegen.channels import common_shift, doubled
from harness.firmware.codegen.in_place import behind_by_row
from harness.firmware.codegen.kernels.sliding import sliding_memory, sliding_weights
from harness.firmware.codegen.operations import Operation, finish, image, padded
from harness.firmware.codegen.program import Conv2D

_STRIP_OUTPUTS = 2
"""Rows of outputs of a strip: one more than needed, so that the rows that stay move half as often."""


def operation(step: Conv2D) -> Operation | None:
    """Return the kernel call of a convolution of one channel without dilation."""
    outputs = len(step.weights.values)
    channels = doubled(step, step.weights.values.reshape(outputs, -1))
    if step.input.shape[3] != 1 or step.window.dilation != (1, 1) or channels is None:
        return None
    memory = sliding_memory(step, _STRIP_OUTPUTS)
    return Operation(
        step,
        "convolve_1_channel_s8.h",
        "convolve_1_channel_s8",
        {
            **image(step.input, step.output, step.window),
            "kOutputChannels": outputs,
            **padded(step.input, step.window),
            **finish(step.output, step.activation),
            "kStripOutputs": _STRIP_OUTPUTS,
            "kRightShift": common_shift(channels),
        },
        weights=sliding_weights(step.weights.values[..., 0], step.window.stride[1]),
        channels=channels,
        scratch_bytes=2 * (memory.strip + outputs * memory.filter),
        scratch_element="int16_t",
        scratch_in_kernel="kernels::Convolve1Channel<OP>::kScratchBytes",
        input_behind=behind_by_row(step, _STRIP_OUTPUTS),
    )

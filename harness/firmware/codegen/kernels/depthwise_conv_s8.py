"""Arguments of depthwise_conv_s8.h."""

from __future__ import annotations

from harness.firmware.codegen.channels import common_shift, doubled
from harness.firmware.codegen.in_place import behind_by_row
from harness.firmware.codegen.kernels.sliding import sliding_memory, sliding_weights
from harness.firmware.codegen.operations import Operation, finish, image, padded
from harness.firmware.codegen.program import DepthwiseConv2D

_PLANES = 4
_PLANE_BYTES = 2048
"""Memory for all rows of the four planes; larger ones have strips of the rows for two rows of outputs."""


def operation(step: DepthwiseConv2D) -> Operation | None:
    """Return the kernel call of a depthwise convolution without dilation."""
    inputs, outputs = step.input.shape[3], step.output.shape[3]
    channels = doubled(step, step.weights.values.reshape(-1, outputs).T)
    if step.window.dilation != (1, 1) or channels is None:
        return None
    planes = min(_PLANES, inputs)
    strip_outputs = step.output.shape[1]
    if 2 * planes * sliding_memory(step, strip_outputs).strip > _PLANE_BYTES:
        strip_outputs = min(2, strip_outputs)
    memory = sliding_memory(step, strip_outputs)
    # Each four channels are read after the outputs of those before were written: to the same places only.
    same_places = step.input.shape == step.output.shape and step.window.stride == (1, 1)
    return Operation(
        step,
        "depthwise_conv_s8.h",
        "depthwise_conv_s8",
        {
            **image(step.input, step.output, step.window),
            "kOutputChannels": outputs,
            "kMultiplier": step.multiplier,
            **padded(step.input, step.window),
            **finish(step.output, step.activation),
            "kStripOutputs": strip_outputs,
            "kRightShift": common_shift(channels),
        },
        weights=sliding_weights(step.weights.values.transpose(2, 0, 1), step.window.stride[1]),
        channels=channels,
        scratch_bytes=2 * planes * (memory.strip + step.multiplier * memory.filter),
        scratch_element="int16_t",
        scratch_in_kernel="kernels::DepthwiseConv<OP>::kScratchBytes",
        input_behind=behind_by_row(step, strip_outputs) if same_places else None,
    )

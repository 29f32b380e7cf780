"""Arguments of convolve_f32.h."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.firmware.codegen.channels import Channels
from harness.firmware.codegen.in_place import behind_by_row
from harness.firmware.codegen.kernels.weights_in_ram import copy_pays
from harness.firmware.codegen.operations import Operation, finish, image
from harness.firmware.codegen.program import Conv2D

_BLOCK = 4  # pixels, and channels: kFloatBlock
_MOST_TAPS = 4  # of a plane
_WEIGHT_BYTES = 16_384
"""Memory for which an arena grows.

Weights in RAM, all of them or none, save 10 to 13 % of a layer's cycles. Measured in thousand cycles, from
flash and from RAM:

- 64 channels to 64 by 1 x 1, of 16 KB: 3,032 and 2,644 on 25 x 5 pixels, 607 and 547 on 5 x 5.
- 32 channels to 32 by 1 x 1 on 25 x 5 pixels (4 KB): 812 and 711.
- 16 channels to 16 by 3 x 3 on 8 x 8 pixels (9 KB): 446 and 392; 32 to 32 (36 KB): 1,721 and 1,504.

16 KB hold a layer of DS-CNN's 64 channels. The arena of the first layer above is then 50 KB instead of 34;
both activations side by side, as an interpreter has them, are 64.
"""


def operation(step: Conv2D, weight_bytes: int = _WEIGHT_BYTES) -> Operation | None:
    """Return the kernel call of a convolution without dilation, of four taps a plane at most.

    `weight_bytes` is the memory for weights; those of a larger layer are read from flash, which waits.
    """
    outputs, rows, columns, inputs = step.weights.values.shape
    stride = step.window.stride[1]
    taps = -(-columns // stride)
    if step.window.dilation != (1, 1) or taps > _MOST_TAPS:
        return None
    groups = -(-outputs // _BLOCK)
    padded = np.zeros((groups * _BLOCK, rows, taps * stride, inputs), np.float32)
    padded[:outputs, :, :columns] = step.weights.values
    # (groups, channels of a group, rows, taps, columns modulo the stride, inputs)
    parts = padded.reshape(groups, _BLOCK, rows, taps, stride, inputs)
    weights = parts.transpose(0, 2, 5, 4, 3, 1).reshape(-1)
    biases = np.zeros(groups * _BLOCK, np.float32)
    biases[:outputs] = step.weights.bias
    pixels = -(-step.output.shape[2] // _BLOCK) * _BLOCK
    strip = rows * inputs * stride * (pixels + taps - 1)
    reads = step.output.shape[0] * step.output.shape[1] * pixels // _BLOCK
    pays = copy_pays(reads)
    in_ram = pays and weights.nbytes <= weight_bytes
    return Operation(
        step,
        "convolve_f32.h",
        "convolve_f32",
        {
            **image(step.input, step.output, step.window),
            "kOutputChannels": outputs,
            "kPadTop": step.window.before[0],
            "kPadLeft": step.window.before[1],
            **finish(step.output, step.activation),
            "kWeightsInRam": int(in_ram),
        },
        weights=weights,
        channels=Channels("FloatChannel", tuple((float(bias),) for bias in biases)),
        scratch_bytes=4 * (strip + in_ram * weights.size),
        scratch_element="float",
        scratch_in_kernel="kernels::ConvolveF32<OP>::kScratchBytes",
        with_more_memory=partial(operation, step, 2 * weight_bytes) if pays and not in_ram else None,
        input_behind=behind_by_row(step, 1),
    )

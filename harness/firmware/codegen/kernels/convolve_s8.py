"""Arguments of convolve_s8.h."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from harness.firmware.codegen.blocks import narrowed
from harness.firmware.codegen.channels import DOUBLED_CHANNEL_ELEMENTS, common_shift, doubled
from harness.firmware.codegen.in_place import behind_by_pixel, behind_by_row
from harness.firmware.codegen.kernels.weights_in_ram import widening_pays
from harness.firmware.codegen.operations import Operation, finish, image, padded
from harness.firmware.codegen.program import Conv2D

_PIXELS = 4
_WEIGHT_BYTES = 8192
"""Memory for which an arena grows.

A turn widens the input again, for 2 cycles an element in a pointwise layer and 6 in another one. Measured:

- 32 channels to 32 by 3 x 3 on 8 x 8 pixels: 814, 771, 745 and 729 thousand cycles with 4, 8, 16 and 32 KB.
- 128 channels to 128 by 1 x 1 on 5 x 5 pixels: 587, 564, 547 and 549 thousand cycles.
- 64 channels to 64 by 1 x 1 on 125 pixels: 639 thousand cycles with 4 KB, 623 from 8 KB on; all channels are
  there at once then, so the layer can write over its input, and the arena is smaller than with 4 KB.

So the second 4 KB save 3 to 5 %, and as many bytes as there are then save 3 % more.
"""


def operation(step: Conv2D, weight_bytes: int = _WEIGHT_BYTES) -> Operation | None:
    """Return the kernel call of a convolution without dilation, or with a filter of one pixel.

    `weight_bytes` is the memory for widened weights; the channels of a larger layer take turns, two at least.
    """
    outputs, rows, columns, inputs = step.weights.values.shape
    dilated = any(d > 1 and s > 1 for d, s in zip(step.window.dilation, (rows, columns), strict=True))
    channels = doubled(step, step.weights.values.reshape(outputs, -1))
    if dilated or channels is None or not widening_pays(math.prod(step.output.shape[:3])):
        return None
    padded_inputs = inputs + inputs % 2
    filter_elements = rows * columns * padded_inputs
    at_once = max(2, min(weight_bytes // (2 * filter_elements), outputs) // 2 * 2)
    at_once = outputs if at_once >= outputs - 1 else at_once
    pointwise = (rows, columns, step.window.stride, step.window.before) == (1, 1, (1, 1), (0, 0))
    pixels = _PIXELS if pointwise else (step.output.shape[2] - 1) * step.window.stride[1] + columns
    strip = rows * pixels * padded_inputs
    memory = DOUBLED_CHANNEL_ELEMENTS + filter_elements
    behind = behind_by_pixel(step, _PIXELS) if pointwise else behind_by_row(step, 1)
    return Operation(
        step,
        "convolve_s8.h",
        "convolve_s8",
        {
            **image(step.input, step.output, step.window),
            "kOutputChannels": outputs,
            **padded(step.input, step.window),
            **finish(step.output, step.activation),
            "kChannelsAtOnce": at_once,
            "kRightShift": common_shift(channels),
        },
        weights=narrowed(_by_pairs(step.weights.values)),
        channels=channels,
        scratch_bytes=2 * (strip + at_once * memory),
        scratch_element="int16_t",
        scratch_in_kernel="kernels::Convolve<OP>::kScratchBytes",
        with_more_memory=partial(operation, step, 2 * weight_bytes) if at_once < outputs else None,
        input_behind=behind if at_once >= outputs else None,
    )


def _by_pairs(values: np.ndarray) -> np.ndarray:
    """Order weights by two channels, word of their filters, channel, and half of the word."""
    outputs, rows, columns, inputs = values.shape
    filled = np.zeros((outputs, rows, columns, inputs + inputs % 2), values.dtype)
    filled[..., :inputs] = values
    if inputs % 4 == 0:
        filled = filled.reshape(outputs, -1, 4)[..., [0, 2, 1, 3]]
    words = filled.reshape(outputs, -1, 2)
    paired = words[: outputs // 2 * 2].reshape(outputs // 2, 2, words.shape[1], 2).transpose(0, 2, 1, 3)
    return np.concatenate([paired.reshape(-1), words[outputs // 2 * 2 :].reshape(-1)])

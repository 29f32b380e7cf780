"""Arguments of avgpool_s8.h."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.firmware.codegen import operations
from harness.firmware.codegen.program import AveragePool2D

_MOST_PIXELS = 255
"""Of a window, so that the sum of int8 fits 16 bits."""


def operation(step: AveragePool2D) -> operations.Operation | None:
    """Return the kernel call of a pooling of a multiple of four channels."""
    if step.input.shape[3] % 4 or math.prod(step.window.size) > _MOST_PIXELS:
        return None
    portable = operations.operation(step)
    return replace(portable, header="avgpool_s8.h", kernel="avgpool_s8", arguments=())

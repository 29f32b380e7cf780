"""Fast kernels: one module each, with an `operation` that returns None for a step that it does not cover."""

from __future__ import annotations

from harness.firmware.codegen.kernels import convolve_1_channel_s8
from harness.firmware.codegen.operations import Operation
from harness.firmware.codegen.program import Conv2D, Step


def fast_operation(step: Step) -> Operation | None:
    """Return the call of the fast kernel that covers a step; None if there is none."""
    if isinstance(step, Conv2D) and step.input.type == "int8":
        return convolve_1_channel_s8.operation(step)
    return None

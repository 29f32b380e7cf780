"""Distances in bytes by which an input lies behind the output that a kernel writes over it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.firmware.codegen.program import Conv2D, DepthwiseConv2D


def behind_by_row(step: Conv2D | DepthwiseConv2D, rows: int, kept: bool = True) -> int | None:
    """Return the distance for a kernel that reads the window of `rows` rows of outputs, then writes them.

    Args:
        step: the layer.
        rows: outputs that are written after their windows were read.
        kept: the kernel keeps the rows that the next windows have too; otherwise it reads them again.
    """
    out_row, in_row = (math.prod(value.shape[2:]) for value in (step.output, step.input))
    size = (step.window.size[0] - 1) * step.window.dilation[0] + 1

    def progress() -> Iterable[tuple[int, int]]:
        for first in range(0, step.output.shape[1], rows):
            last = first + rows
            top = last * step.window.stride[0] - step.window.before[0]
            read = top - step.window.stride[0] + size if kept else top
            yield last * out_row, max(read, 0) * in_row

    return _behind(step, progress())


def behind_by_pixel(step: Conv2D, pixels: int) -> int | None:
    """Return the distance for a kernel that reads some pixels, then writes those of the output."""
    count = math.prod(step.output.shape[1:3])
    ends = range(pixels, count + pixels, pixels)
    return _behind(step, ((end * step.output.shape[3], end * step.input.shape[3]) for end in ends))


def behind_by_window(step: Conv2D | DepthwiseConv2D) -> int | None:
    """Return the distance for a kernel that writes a pixel's outputs while it reads the pixel's window."""
    (_, height, width, outputs), (down, across) = step.output.shape, step.window.stride
    _, _, columns, inputs = step.input.shape
    return _behind(
        step,
        (
            ((row * width + column + 1) * outputs, (row * down * columns + column * across) * inputs)
            for row in range(height)
            for column in range(width)
        ),
    )


def _behind(step: Conv2D | DepthwiseConv2D, progress: Iterable[tuple[int, int]]) -> int | None:
    """Return the distance for elements (written, read) over time; None for several images."""
    if step.input.shape[0] > 1:
        return None
    elements = max(max(0, written - read) if read < step.input.elements else 0 for written, read in progress)
    return elements * (step.input.bytes // step.input.elements)

"""Weights and memory of the kernels that slide filters along rows of one channel (sliding_s8.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.firmware.codegen.blocks import narrowed
from harness.firmware.codegen.channels import DOUBLED_CHANNEL_ELEMENTS
from harness.firmware.codegen.program import Conv2D, DepthwiseConv2D


@dataclass(frozen=True)
class SlidingMemory:
    """Sizes in int16: of a channel's strip, Sliding::kStripElements, and of a filter, kFilterElements."""

    strip: int
    filter: int


def sliding_memory(step: Conv2D | DepthwiseConv2D, strip_outputs: int) -> SlidingMemory:
    """Return the sizes for strips that have all rows for `strip_outputs` rows of outputs."""
    (rows, taps), (down, across) = step.window.size, step.window.stride
    columns = (step.output.shape[2] - 1) * across + taps
    left = step.window.before[1]
    copied = max(0, min(step.input.shape[2], columns - left))
    width = _even(copied + max(left, columns - copied - left))
    strip_rows = (strip_outputs - 1) * down + rows
    strip = _even((strip_rows - 1) * width + max(columns, width))
    words = sliding_rows(np.zeros((1, 1, taps), np.int8), across).size // 2
    return SlidingMemory(strip, DOUBLED_CHANNEL_ELEMENTS + 2 * rows * words)


def sliding_weights(filters: np.ndarray, stride: int) -> np.ndarray:
    """Return weights (outputs, rows, taps of a row) as Sliding::load_filters reads them."""
    rows = sliding_rows(filters, stride)
    return np.concatenate([narrowed(one) for one in rows])


def sliding_rows(taps: np.ndarray, stride: int) -> np.ndarray:
    """Order the weights of rows as SlidingRow reads them.

    Args:
        taps: (outputs, rows, taps of a row), int8.
        stride: elements from one output to the next.

    Returns:
        (outputs, rows, n), int8.
    """
    count = taps.shape[-1]
    part = 8 if stride % 2 == 0 else 5 if count == 5 else 4
    parts = [_sliding_words(taps[..., first : first + part], stride) for first in range(0, count, part)]
    return np.concatenate(parts, axis=-1)


def _sliding_words(taps: np.ndarray, stride: int) -> np.ndarray:
    count, odd = taps.shape[-1], stride % 2 != 0
    pieces = [taps[..., : count // 2 * 2]]
    if odd:
        pieces.append(taps[..., 1 : 1 + (count - 1) // 2 * 2])
    if count % 2 and (count == 1 or not odd):
        pieces += [taps[..., -1:], np.zeros_like(taps[..., -1:])]
    return np.concatenate(pieces, axis=-1)


def _even(count: int) -> int:
    return count + count % 2

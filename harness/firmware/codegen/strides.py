"""Loops over tensors: sizes, and distances between neighboring elements in memory by dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence

DIMENSIONS = 4
"""Nested loops of a kernel."""


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the distances of a tensor without gaps."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def broadcast(shape: Sequence[int], to: Sequence[int]) -> tuple[int, ...]:
    """Return the distances of a tensor that is read as one of another shape: 0 along repeated dimensions.

    Raises:
        ValueError: the shape does not broadcast to the other one.
    """
    filled = (1,) * (len(to) - len(shape)) + tuple(shape)
    if len(shape) > len(to) or any(own not in (1, size) for own, size in zip(filled, to, strict=True)):
        raise ValueError(f"{tuple(shape)} does not broadcast to {tuple(to)}")
    distances = contiguous(filled)
    return tuple(distance * (own > 1) for own, distance in zip(filled, distances, strict=True))


def loops(sizes: Sequence[int], *distances: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Merge dimensions that lie side by side in all tensors, and fill up to DIMENSIONS with size 1.

    Args:
        sizes: of the dimensions.
        distances: of each tensor.

    Returns:
        The sizes and the distances of each tensor.

    Raises:
        ValueError: more than DIMENSIONS dimensions are left.
    """
    merged: list[list[int]] = []  # (size, distance in each tensor)
    for size, *own in zip(sizes, *distances, strict=True):
        if size == 1:
            continue
        if merged and all(outer == size * inner for outer, inner in zip(merged[-1][1:], own, strict=True)):
            merged[-1] = [merged[-1][0] * size, *own]
        else:
            merged.append([size, *own])
    if len(merged) > DIMENSIONS:
        raise ValueError(f"{len(merged)} dimensions; at most {DIMENSIONS} are supported")
    rows = [[1] + [0] * len(distances)] * (DIMENSIONS - len(merged)) + merged
    return tuple(zip(*rows, strict=True))

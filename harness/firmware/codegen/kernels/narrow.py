"""Weights as int8 in the order in which widen_weights() of simd_s8.h makes words of int16 of them."""

from __future__ import annotations

import numpy as np


def narrowed(values: np.ndarray) -> np.ndarray:
    """Exchange the second and the third of every four values; fill up with 0 to a multiple of four."""
    filled = np.zeros(-(-values.size // 4) * 4, np.int8)
    filled[: values.size] = values.reshape(-1)
    return filled.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1)


def sliding_row(taps: np.ndarray, stride: int) -> np.ndarray:
    """Order the weights of a filter's row as SlidingRow of sliding_s8.h reads them.

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

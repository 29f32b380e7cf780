"""Weights in the kernels' order (sketches/libraries/EarshotKernels, products.h)."""

from __future__ import annotations

import numpy as np

GROUP = 4
"""Outputs that a kernel computes at the same time: kGroup."""

_TAPS = {"int8": 4, "float32": 1}  # kTaps of the kernels' Products


def blocked(weights: np.ndarray) -> np.ndarray:
    """Order weights by group of outputs, run, block of kTaps taps of a run, and output of the group.

    Args:
        weights: (outputs, runs, taps of a run), int8 or float32.

    Returns:
        (n,); runs are padded with 0 to a multiple of kTaps.
    """
    taps = _TAPS[str(weights.dtype)]
    outputs, runs, length = weights.shape
    filled = np.zeros((outputs, runs, -(-length // taps), taps), weights.dtype)
    filled.reshape(outputs, runs, -1)[:, :, :length] = weights
    groups = [filled[first : first + GROUP] for first in range(0, outputs, GROUP)]
    return np.concatenate([group.transpose(1, 2, 0, 3).reshape(-1) for group in groups])


def blocked_by_channel(weights: np.ndarray, multiplier: int) -> np.ndarray:
    """Order weights by group of GROUP outputs of neighboring channels, and tap; pad groups with 0.

    Args:
        weights: weights of a depthwise convolution, (taps, outputs).
        multiplier: outputs of a channel; above 1 a group has outputs of one channel only.

    Returns:
        (n,)
    """
    taps, outputs = weights.shape
    together = outputs if multiplier == 1 else multiplier
    filled = np.zeros((taps, outputs // together, -(-together // GROUP) * GROUP), weights.dtype)
    filled[:, :, :together] = weights.reshape(taps, -1, together)
    return filled.reshape(taps, -1, GROUP).transpose(1, 0, 2).reshape(-1)


def narrowed(values: np.ndarray) -> np.ndarray:
    """Order int8 weights as widen_weights() of simd_s8.h reads them: of every four, exchange the middle two.

    Returns:
        (n,); filled up with 0 to a multiple of four.
    """
    filled = np.zeros(-(-values.size // 4) * 4, np.int8)
    filled[: values.size] = values.reshape(-1)
    return filled.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1)


def bias_with_zero_point(weights: np.ndarray, bias: np.ndarray, zero_point: int) -> np.ndarray:
    """Return the bias for sums of q * w instead of (q - zero_point) * w, modulo 2^32 as the kernels add.

    Args:
        weights: (outputs, taps), int8.
        bias: (outputs,), int32.
        zero_point: zero point of the input.

    Returns:
        (outputs,), int32.
    """
    exact = bias.astype(np.int64) - zero_point * weights.astype(np.int64).sum(axis=1)
    return exact.astype(np.uint32).view(np.int32)

"""Weights as int8 in the order in which widen_weights() of simd_s8.h makes words of int16 of them."""

from __future__ import annotations

import numpy as np

from harness.firmware.codegen.channels import Channels


def common_shift(channels: Channels) -> int:
    """Return kRightShift: the shift of all channels, or 0 where they differ."""
    shifts = {int(fields[3]) for fields in channels.fields}
    return shifts.pop() if len(shifts) == 1 else 0


def narrowed(values: np.ndarray) -> np.ndarray:
    """Exchange the second and the third of every four values; fill up with 0 to a multiple of four."""
    filled = np.zeros(-(-values.size // 4) * 4, np.int8)
    filled[: values.size] = values.reshape(-1)
    return filled.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1)

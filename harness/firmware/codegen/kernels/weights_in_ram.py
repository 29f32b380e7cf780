"""Estimates of when it saves cycles of the emulated board to put weights into RAM in each run.

Weights in flash wait in every load (sketches/cycle_model/README.md). The other figures were measured on the
emulated board with pointwise layers of 32 and 64 channels, from one pixel to 25.
"""

from __future__ import annotations

WAIT = 2
"""Cycles that a word of weights waits: `wait_states` of the cycle model."""

_COPIED = 5.2  # cycles to copy a word to RAM
_WIDENED = 5.5  # cycles to widen an int8 weight into RAM
_PORTABLE_PRODUCT = 2.2 + 4 / 16 * WAIT  # 16 products with four words of weights
_FAST_PRODUCT = 1.0


def copy_pays(reads: int) -> bool:
    """Tell if copying weights takes fewer cycles than the waits of `reads` loads of each from flash."""
    return WAIT * reads > _COPIED


def widening_pays(pixels: int) -> bool:
    """Tell if widening int8 weights takes fewer cycles than it saves over `pixels` outputs of a channel."""
    return (_PORTABLE_PRODUCT - _FAST_PRODUCT) * pixels > _WIDENED

"""Estimates, in cycles of the emulated board, of whether weights in RAM pay for being put there in each run.

Weights in flash wait in every load (sketches/cycle_model/README.md). The other figures were measured on the
emulated board with pointwise layers of 32 and 64 channels, from one pixel to 25.
"""

from __future__ import annotations

WAIT = 2
"""Cycles that a word of weights waits: `wait_states` of the cycle model."""

_COPIED = 5.2  # a word to RAM
_WIDENED = 5.5  # an int8 weight to RAM
_PORTABLE_PRODUCT = 2.2 + 4 / 16 * WAIT  # 16 products with four words of weights
_FAST_PRODUCT = 1.0


def copy_pays(reads: int) -> bool:
    """Tell if a copy of weights takes less than the waits of reading each of them so many times."""
    return WAIT * reads > _COPIED


def widening_pays(pixels: int) -> bool:
    """Tell if int8 weights are widened in less time than as many pixels then save."""
    return (_PORTABLE_PRODUCT - _FAST_PRODUCT) * pixels > _WIDENED

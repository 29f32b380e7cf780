"""A word as a picture: what the ear has of it above what a model sees, moment by moment in the same place."""

from __future__ import annotations

import io
import struct
from typing import Any

import matplotlib
import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from harness.report.view_drawing import LEVELS, level_limits

COLUMN_S = 0.01
"""Of a picture: from column to column."""
GAP_ROWS = 3
"""Between the two parts: nothing, so that the page shows through."""
_NO_METADATA: dict[str, Any] = {"Software": None}
_WIDTH_AT = 16  # of a PNG: behind its signature, and length and type of its first chunk


def picture(mel: NDArray[np.floating], micro: NDArray[np.integer]) -> bytes:
    """A PNG of one pixel a value: the mel spectrogram above the micro features, both from low up to high.

    Colours are those of the page of recordings: above 80 dB from dark to bright, below up to the largest.

    Args:
        mel: (T, R) levels in dBFS, one each 10 ms.
        micro: (S, R) features of the same stretch, one each 20 ms.

    Returns:
        The file, min(T, 2 S) pixels wide.
    """
    wide = np.repeat(micro, 2, axis=0)
    columns = min(len(wide), len(mel))
    parts = [
        _coloured(mel[:columns], *level_limits(mel[:columns])),
        np.zeros((GAP_ROWS, columns, 4), np.uint8),
        _coloured(wide[:columns], 0, max(1, int(micro.max()))),
    ]
    file = io.BytesIO()
    imsave(file, np.concatenate(parts), metadata=_NO_METADATA)
    return file.getvalue()


def width_of(png: bytes) -> int:
    """How many pixels wide a PNG is; 0 for what is none."""
    if len(png) < _WIDTH_AT + 4:
        return 0
    width: int = struct.unpack_from(">I", png, _WIDTH_AT)[0]
    return width


def _coloured(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """(T, R) values as (R, T, 4) pixels, the first row at the bottom."""
    share = (values.T[::-1].astype(np.float32) - low) / (high - low)
    pixels: NDArray[np.uint8] = matplotlib.colormaps[LEVELS](share.clip(0, 1), bytes=True)
    return pixels

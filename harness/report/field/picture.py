"""A word as a picture: what the ear has of it above what a model sees, moment by moment in the same place."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

from harness.report.pages.recording_plots import LEVELS, level_limits

COLUMN_S = 0.01
"""Of a picture: from column to column."""
GAP_ROWS = 3
"""Between the two parts: nothing, so that the page shows through."""
_COLORS = 64
"""More cannot be told apart in it, and a hundred pictures go into a page."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WIDTH_AT = 16  # behind the signature, and length and type of the first chunk
_BITS, _PALETTE = 8, 3


def picture(mel: NDArray[np.floating], micro: NDArray[np.integer]) -> bytes:
    """A PNG of one pixel a value: the mel spectrogram above the micro features, both from low up to high.

    Colors are those of the page of recordings: above 80 dB from dark to bright, below up to the largest.
    Source: PNG Specification, W3C 2003, for a picture with a palette.

    Args:
        mel: (T, R) levels in dBFS, one each 10 ms.
        micro: (S, R) features of the same stretch, one each 20 ms.

    Returns:
        The file, min(T, 2 S) pixels wide.
    """
    wide = np.repeat(micro, 2, axis=0)
    columns = min(len(wide), len(mel))
    pixels = np.concatenate(
        [
            _shades(mel[:columns], *level_limits(mel[:columns])),
            np.full((GAP_ROWS, columns), _COLORS, np.uint8),
            _shades(wide[:columns], 0, max(1, int(micro.max()))),
        ]
    )
    lines = np.pad(pixels, ((0, 0), (1, 0)))  # each begins with the number of its filter: none
    colors: NDArray[np.uint8] = matplotlib.colormaps[LEVELS](np.linspace(0, 1, _COLORS), bytes=True)
    size = struct.pack(">IIBBBBB", columns, len(pixels), _BITS, _PALETTE, 0, 0, 0)
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", size),
            _chunk(b"PLTE", colors[:, :3].tobytes() + bytes(3)),
            _chunk(b"tRNS", b"\xff" * _COLORS + b"\0"),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def width_of(png: bytes) -> int:
    """How many pixels wide a PNG is; 0 for what is none."""
    if len(png) < _WIDTH_AT + 4 or not png.startswith(_SIGNATURE):
        return 0
    width: int = struct.unpack_from(">I", png, _WIDTH_AT)[0]
    return width


def _shades(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """(T, R) values as (R, T) places in the palette, the first row at the bottom."""
    share = (values.T[::-1].astype(np.float32) - low) / (high - low)
    return np.rint(share.clip(0, 1) * (_COLORS - 1)).astype(np.uint8)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

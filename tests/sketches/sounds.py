"""Sounds for corner cases of the front end: int16 at 16 kHz."""

from __future__ import annotations

import numpy as np

CLIP = 16_000
"""Samples of a second."""


def tone(hertz: float, amplitude: float, count: int = CLIP) -> np.ndarray:
    phase = 2 * np.pi * hertz / 16_000 * np.arange(count)
    return np.clip(np.round(amplitude * np.sin(phase)), -32768, 32767).astype(np.int16)


def noise(seed: int, amplitude: int, count: int = CLIP) -> np.ndarray:
    return np.random.default_rng(seed).integers(-amplitude, amplitude, count, np.int16, endpoint=True)


def overflowing(frequency_bin: int, level: int) -> np.ndarray:
    """Make a window that is all +-level after the Hann window, with the signs of one bin of the complex FFT.

    The real part of that bin is 4 / pi * 240 / 256 of the largest input, which exceeds 16 bits.
    """
    phase = 2 * np.pi * frequency_bin * np.arange(240) / 256
    pairs = np.stack([np.cos(phase) >= 0, np.sin(phase) >= 0], axis=-1).reshape(480)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(480) + 0.5) / 480)
    levels = np.where(pairs, level, -level) / np.maximum(hann, 1e-3)
    return np.clip(np.round(levels), -32768, 32767).astype(np.int16)


SOUNDS = {
    "silence": np.zeros(CLIP, np.int16),
    "highest": np.full(CLIP, 32767, np.int16),
    "lowest": np.full(CLIP, -32768, np.int16),
    "square wave": np.where(np.arange(CLIP) % 16 < 8, 32767, -32768).astype(np.int16),
    "slow square wave": np.where(np.arange(CLIP) % 512 < 256, 32767, -32768).astype(np.int16),
    "a click": np.where(np.arange(CLIP) % 4000 == 240, -32768, 0).astype(np.int16),
    "a click over noise": np.where(np.arange(CLIP) % 4000 == 240, -32768, noise(8, 50)).astype(np.int16),
    "the quietest click": np.where(np.arange(CLIP) % 4000 == 240, 1, 0).astype(np.int16),
    "faint noise": noise(1, 1),
    "soft noise": noise(2, 50),
    "loud noise": noise(3, 8_000),
    "the loudest noise": noise(4, 32_767),
    "noise that swells": (noise(5, 32_767) * np.linspace(0, 1, CLIP) ** 4).astype(np.int16),
    "noise that stops": np.concatenate([noise(6, 30_000, CLIP // 2), np.zeros(CLIP // 2, np.int16)]),
    **{
        f"{hertz} Hz at {amplitude}": tone(hertz, amplitude)
        for hertz in (40, 440, 3150, 7900)
        for amplitude in (3, 40_000)
    },
    **{f"overflow at bin {place}": overflowing(place, 2000) for place in (7, 33, 60, 129, 250)},
}

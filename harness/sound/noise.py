"""Noise generators: white, pink, mains hum, and babble of reversed voices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.data.acoustics import colored_noise, hum, rms
from models.data.wav import SAMPLE_RATE_HZ

VOICES = 8
"""In babble: too many to tell apart."""

_BLOCK = 2**20  # 66 s: a power of two for the Fourier transform, and constant memory
_FADE = SAMPLE_RATE_HZ // 10
_PAUSE_S = 0.3  # the longest between two words of a voice


def white(length: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Generate white Gaussian noise of RMS 1 (expected): float32 (length,)."""
    return generator.standard_normal(length, dtype=np.float32)


def pink(length: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Generate noise whose power density falls by 3 dB an octave above 20 Hz; RMS about 1."""
    return _in_blocks(length, lambda count: colored_noise(count, 1.0, generator))


def mains_hum(length: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Generate swelling mains hum with harmonics, of another device about every minute; RMS about 1."""
    return _in_blocks(length, lambda count: hum(count, generator))


def babble(
    length: int, generator: np.random.Generator, voices: Sequence[NDArray[np.int16]]
) -> NDArray[np.float32]:
    """Mix voices, each of reversed words in random order with short pauses: speech without a keyword.

    Args:
        length: in samples.
        generator: draws the order, the pauses and the loudness of each voice (±3 dB).
        voices: words, int16 (N,) each; all become equally loud.

    Returns:
        float32 (length,) of RMS about 1.
    """
    words = [word[::-1] / np.float32(rms(word) * np.sqrt(VOICES)) for word in voices]
    sound = np.zeros(length, np.float32)
    for _ in range(VOICES):
        loudness = np.float32(10 ** (generator.uniform(-3, 3) / 20))
        position = -int(generator.integers(SAMPLE_RATE_HZ))
        while position < length:
            word = words[generator.integers(len(words))]
            start, stop = max(position, 0), min(position + len(word), length)
            if start < stop:
                sound[start:stop] += word[start - position : stop - position] * loudness
            position += len(word) + int(generator.uniform(0, _PAUSE_S) * SAMPLE_RATE_HZ)
    return sound


KINDS: dict[str, Callable[[int, np.random.Generator], NDArray[np.float32]]] = {
    "white": white,
    "pink": pink,
    "hum": mains_hum,
}
"""Kinds that need a generator only; babble also needs voices."""


def _in_blocks(length: int, make: Callable[[int], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join blocks of noise with crossfades that keep the power."""
    sound = np.zeros(length, np.float32)
    rise = np.sin(np.linspace(0, np.pi / 2, _FADE, dtype=np.float32))
    count = min(_BLOCK, 1 << (length + _FADE).bit_length())
    for start in range(0, length, count - _FADE):
        block = make(count)
        if start:
            block[:_FADE] *= rise
        block[-_FADE:] *= rise[::-1]
        stop = min(start + count, length)
        sound[start:stop] += block[: stop - start]
    return sound

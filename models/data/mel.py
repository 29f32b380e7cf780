"""Mel spectrum of 16 kHz sound in fixed point: the same integers on the host and on a board.

Follows `tf.signal`: a periodic Hann window of 30 ms every 20 ms, an FFT of 512 points, magnitudes, 40
triangles of HTK's mel scale from 20 to 4,000 Hz, a logarithm. Source: mlcommons/tiny,
benchmark/training/keyword_spotting/get_dataset.py. sketches/libraries/EarshotMel computes the same.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES, STRIDE_SAMPLES = 480, 320
FFT_SAMPLES = 512
POINTS = FFT_SAMPLES // 2
"""Of the complex FFT: even samples are its real parts, odd ones its imaginary parts."""
CHANNELS = 40
LOWEST_HZ, HIGHEST_HZ = 20.0, 4000.0
SILENCE = 1e-6
"""Magnitude of every channel of a window without sound, of full scale 1: what the reference adds to all."""
OFFSET_BITS = -22
"""log2 of what is added to the channels of another window: below a step of a sample of 16 bits. That of the
reference is relative to the loudest sample of a clip, which is not known yet."""

WINDOW_BITS = TWIDDLE_BITS = 31
WEIGHT_BITS, LOG_BITS = 15, 16
LOG_SEGMENTS = 128
UNIT_BITS = 6 + 15 + WEIGHT_BITS
"""log2 of a channel's sum for a magnitude of 1: 6 bits of the FFT, full scale 2^15, and the weights."""
SILENCE_LOG = round(math.log2(SILENCE) * 2**LOG_BITS)


def window() -> list[int]:
    turn, one = 2 * math.pi / WINDOW_SAMPLES, 2**WINDOW_BITS
    return [min(one - 1, round((0.5 - 0.5 * math.cos(turn * i)) * one)) for i in range(WINDOW_SAMPLES)]


def twiddles(count: int, samples: int) -> list[tuple[int, int]]:
    """Return e^(-2 pi i k / samples) for k < count, with 31 fractional bits; 1 itself saturates."""
    one, limit = 2**TWIDDLE_BITS, 2**TWIDDLE_BITS - 1
    turns = [-2 * math.pi * k / samples for k in range(count)]
    return [(min(limit, round(one * math.cos(t))), max(-limit, round(one * math.sin(t)))) for t in turns]


def filters() -> tuple[int, list[int], list[tuple[int, int]]]:
    """Return the triangles as each bin's share of the channel above it and of the one below it.

    Returns:
        The first bin; the number of bins between neighboring middles, from the lowest edge to the highest;
        and each bin's weights in the rising and the falling triangle, with 15 fractional bits.
    """
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), CHANNELS + 2)
    mels = [_mel(SAMPLE_RATE_HZ / FFT_SAMPLES * number) for number in range(POINTS + 1)]
    first = next(number for number, mel in enumerate(mels) if mel > edges[0])
    counts, weights = [], []
    for below, above in pairwise(edges):
        inside = [mel for mel in mels if below < mel <= above]
        counts.append(len(inside))
        for mel in inside:
            rising = (mel - below) / (above - below)
            weights.append((round(rising * 2**WEIGHT_BITS), round((1 - rising) * 2**WEIGHT_BITS)))
    return first, counts, weights


def log_segments() -> list[int]:
    """Return log2(1 + x) at the beginning of 128 segments and at the end of the last, 16 fractional bits."""
    return [round(math.log2(1 + i / LOG_SEGMENTS) * 2**LOG_BITS) for i in range(LOG_SEGMENTS + 1)]


def log2(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return log2 of integers from 1 up with 16 fractional bits, linear within a segment of the table."""
    table = np.array(log_segments(), np.int64)
    width = _bit_width(values)
    normal = (values << (np.uint64(64) - width.astype(np.uint64))).astype(np.uint64)  # bit 63 is set
    fraction = ((normal << np.uint64(1)) >> np.uint64(41)).astype(np.int64)  # 23 bits
    segment, within = fraction >> 16, fraction & 0xFFFF
    return (
        ((width - 1) << LOG_BITS) + table[segment] + (((table[segment + 1] - table[segment]) * within) >> 16)
    )


def frames(audio: NDArray[np.int16]) -> NDArray[np.int64]:
    """Cut audio into windows (slices, 480); slices = (N - 480) // 320 + 1.

    Raises:
        ValueError: the audio is not int16, not one channel, or shorter than a window.
    """
    if audio.dtype != np.int16 or audio.ndim != 1 or len(audio) < WINDOW_SAMPLES:
        raise ValueError(f"audio must be int16 (N,), N >= {WINDOW_SAMPLES}, not {audio.dtype} {audio.shape}")
    return np.lib.stride_tricks.sliding_window_view(audio, WINDOW_SAMPLES)[::STRIDE_SAMPLES].astype(np.int64)


def log_mel(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return log2 of the magnitude in each channel, of full scale 1, int64 (slices, 40) / 2^16."""
    tables = _tables()
    largest = np.abs(windows).max(1).astype(np.uint64)
    shift = np.maximum(0, 15 - _bit_width(largest))[:, np.newaxis]
    magnitudes = _magnitudes(windows << shift)[:, tables.first : tables.first + len(tables.weights)]
    starts = np.cumsum([0, *tables.counts[:-1]])
    rising, falling = (
        np.add.reduceat(magnitudes * weights, starts, axis=1)
        for weights in tables.weights.T.astype(np.uint64)
    )
    units = UNIT_BITS + shift
    sums = rising[:, :-1] + falling[:, 1:] + (np.uint64(1) << (units + OFFSET_BITS).astype(np.uint64))
    return np.where(largest[:, np.newaxis] > 0, log2(sums) - (units << LOG_BITS), SILENCE_LOG)


class _Tables:
    def __init__(self) -> None:
        self.window = np.array(window(), np.int64)
        self.twiddles = np.array(twiddles(POINTS // 2, POINTS), np.int64)
        self.real_twiddles = np.array(twiddles(POINTS, FFT_SAMPLES), np.int64)
        self.first, counts, weights = filters()
        self.counts = np.array(counts)
        self.weights = np.array(weights)
        bits = POINTS.bit_length() - 1
        self.reversal = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(POINTS)]


@cache
def _tables() -> _Tables:
    return _Tables()


def _magnitudes(windows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the magnitudes of bins 0 to 255, 64 for a sum of samples of 1."""
    tables = _tables()
    padded = np.zeros((len(windows), FFT_SAMPLES), np.int64)
    padded[:, :WINDOW_SAMPLES] = (windows * tables.window) >> 16
    real, imaginary = _transform(padded[:, 0::2], padded[:, 1::2])
    mirrored = -np.arange(POINTS) % POINTS
    conjugate = real[:, mirrored], -imaginary[:, mirrored]
    # Half of it, so that nothing overflows: (even + turned odd) / 2.
    even = (real + conjugate[0]) >> 1, (imaginary + conjugate[1]) >> 1
    odd = (imaginary - conjugate[1]) >> 1, (conjugate[0] - real) >> 1
    turned = _multiply(*odd, *tables.real_twiddles.T)
    real, imaginary = (even[0] >> 1) + turned[0], (even[1] >> 1) + turned[1]
    energies = (real * real + imaginary * imaginary).astype(np.uint64)
    upper, lower = (energies >> np.uint64(32)).astype(np.float32), (energies & np.uint64(0xFFFFFFFF))
    # Single precision, as the board's FPU computes it: each step rounds once.
    return np.sqrt(upper * np.float32(2**32) + lower.astype(np.float32)).astype(np.uint64)


def _transform(
    real: NDArray[np.int64], imaginary: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return 1/256 of the complex FFT of 256 points: eight stages of radix 2, each halves."""
    tables = _tables()
    real, imaginary = real[:, tables.reversal], imaginary[:, tables.reversal]
    half = 1
    while half < POINTS:
        factors = tables.twiddles[:: POINTS // (2 * half)][:half]
        shape = (len(real), POINTS // (2 * half), 2, half)
        real, imaginary = real.reshape(shape), imaginary.reshape(shape)
        turned = _multiply(real[:, :, 1], imaginary[:, :, 1], *factors.T)
        upper, lower = [], []
        for values, part in zip((real, imaginary), turned, strict=True):
            upper.append((values[:, :, 0] >> 1) + part)
            lower.append((values[:, :, 0] >> 1) - part)
        real, imaginary = (
            np.stack(pair, 2).reshape(len(real), POINTS) for pair in zip(upper, lower, strict=True)
        )
        half *= 2
    return real, imaginary


def _multiply(
    real: NDArray[np.int64],
    imaginary: NDArray[np.int64],
    by_real: NDArray[np.int64],
    by_imaginary: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return half the product with a twiddle factor; each of its four parts is rounded down."""
    return (
        ((real * by_real) >> 32) + ((-imaginary * by_imaginary) >> 32),
        ((real * by_imaginary) >> 32) + ((imaginary * by_real) >> 32),
    )


def _bit_width(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    width = np.zeros(values.shape, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        large = (values >> np.uint64(step)) > 0
        width += large * step
        values = np.where(large, values >> np.uint64(step), values)
    return width + (values > 0)


def _mel(hz: float) -> float:
    return 1127.0 * math.log1p(hz / 700.0)

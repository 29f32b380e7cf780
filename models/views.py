"""Six views of a recording, from the waveform to the features that a model gets.

Levels are dB of the mean square relative to full scale (dBFS): a sine of int16 full scale has -3 dBFS. Views
of a long recording are bounded in size; `method` says how frames were merged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from models.data.dataset import CLIP_SAMPLES
from models.data.features import CHANNELS, SLICES, STRIDE_SAMPLES, WINDOW_SAMPLES, micro_features
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ

HOP_SAMPLES, FFT_SAMPLES = 160, 512
"""Hop of 10 ms, and FFT, of spectrogram, mel and MFCC. Window and FFT are the micro front end's."""
SPECTRUM_SAMPLES = 1024
"""Segment of the spectrum: 64 ms, a line every 15.6 Hz."""
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
"""Ends of the mel bands, as in the micro front end."""
COEFFICIENTS = 13
"""Number of MFCCs, as is usual in speech recognition."""
MOST_COLUMNS = 1000
"""Columns of a view over time: 10 s at 10 ms each. In longer recordings several frames share a column."""
FLOOR_DBFS = -140.0
"""Lowest level; rounding to 16 bits leaves about -125 dBFS in a bin of the FFT."""

_BLOCK_FRAMES = 4096  # 16 MB of bins at a time, however long the recording


@dataclass(frozen=True, eq=False)
class Waveform:
    """Lowest and highest sample of each stretch of a recording.

    Attributes:
        start_s: float64 (B,), start of each stretch.
        low, high: float64 (B,), -1 to 1; equal where a stretch is one sample.
        method: description for people.
    """

    start_s: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    method: str


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Mean level of each frequency.

    Attributes:
        hz: float64 (F,), 0 to 8000.
        dbfs: float64 (F,), at least `FLOOR_DBFS`.
        method: description for people.
    """

    hz: NDArray[np.float64]
    dbfs: NDArray[np.float64]
    method: str


@dataclass(frozen=True, eq=False)
class Image:
    """A view over time: a column for each moment, a row for each frequency, band or coefficient.

    Attributes:
        values: (T, R): levels in dBFS, coefficients, or uint16 features.
        rows: float64 (R,), rising: middle frequency of each row in Hz, or its index from 0.
        first_s: start of the first column; a column stands in the middle of its frame.
        column_s: time from column to column.
        method: description for people.
    """

    values: NDArray[Any]
    rows: NDArray[np.float64]
    first_s: float
    column_s: float
    method: str


@dataclass(frozen=True, eq=False)
class Views:
    """All views of a recording; `mfcc` has 13 rows, `mel` and `micro` have 40."""

    waveform: Waveform
    spectrum: Spectrum
    spectrogram: Image
    mel: Image
    mfcc: Image
    micro: Image


def views_of(samples: NDArray[np.int16]) -> Views:
    """Compute the six views of a recording.

    Args:
        samples: int16 (N,), 16 kHz, N >= 480: one window of 30 ms.

    Raises:
        ValueError: the samples are not int16, not one channel, or fewer than a window.
    """
    if samples.dtype != np.int16 or samples.ndim != 1 or len(samples) < WINDOW_SAMPLES:
        raise ValueError(f"int16 (N >= {WINDOW_SAMPLES},) is needed, not {samples.dtype} {samples.shape}")
    spectrogram, mel, mfcc = _over_time(samples)
    return Views(waveform_of(samples), spectrum_of(samples), spectrogram, mel, mfcc, micro_of(samples))


def waveform_of(samples: NDArray[np.int16], stretches: int = MOST_COLUMNS) -> Waveform:
    """Compute the lowest and highest sample of stretches of equal length, to a sample.

    Args:
        samples: int16 (N,), 16 kHz, N >= 1.
        stretches: largest number of stretches.
    """
    starts = np.linspace(0, len(samples), min(stretches, len(samples)), endpoint=False).astype(np.int64)
    length = len(samples) / len(starts)
    return Waveform(
        start_s=starts / SAMPLE_RATE_HZ,
        low=np.minimum.reduceat(samples, starts) / FULL_SCALE,
        high=np.maximum.reduceat(samples, starts) / FULL_SCALE,
        method="every sample" if length == 1 else f"lowest to highest of each {_ms(length)} ms",
    )


def spectrum_of(samples: NDArray[np.int16]) -> Spectrum:
    """Compute the mean power of each frequency by Welch's method.

    Hann windows of 64 ms overlap by half. A sine in the middle of a bin reads its level, as in
    `scipy.signal.spectrogram(scaling="spectrum")`.
    Source: Welch 1967, doi 10.1109/TAU.1967.1161901.

    Args:
        samples: int16 (N,), 16 kHz, N >= 2; a recording shorter than 64 ms is one segment.
    """
    segment = min(SPECTRUM_SAMPLES, len(samples))
    total, segments = np.zeros(segment // 2 + 1), 0
    for power in _power(samples, segment, max(1, segment // 2), segment, _BLOCK_FRAMES):
        total += power.sum(axis=0)
        segments += len(power)
    return Spectrum(
        hz=np.fft.rfftfreq(segment, 1 / SAMPLE_RATE_HZ),
        dbfs=_dbfs(total / segments),
        method=f"mean of {segments:,} half-overlapping Hann windows of {_ms(segment)} ms; "
        f"a line every {SAMPLE_RATE_HZ / segment:.1f} Hz",
    )


def mel_of(samples: NDArray[np.int16]) -> Image:
    """Compute the level in each of 40 mel bands; float32 (T, 40) dBFS.

    A band sums the power of all bins, weighted by its triangle: a sine reads its level in the middle of a
    band, and up to 3 dB less between two bands or in a band as narrow as a bin. The triangles are those of
    `tf.signal.linear_to_mel_weight_matrix` (HTK's mel scale), with the micro front end's middles.
    """
    return _over_time(samples)[1]


def micro_of(samples: NDArray[np.int16]) -> Image:
    """Compute the micro front end's features, uint16 (T, 40); the first 49 slices are one input of a model.

    A recording shorter than a second is filled with zeros, as in training.
    """
    return micro_image(micro_features(np.pad(samples, (0, max(0, CLIP_SAMPLES - len(samples))))))


def micro_image(values: NDArray[np.uint16]) -> Image:
    """Return the image of the micro front end's features, uint16 (T, 40)."""
    return Image(
        values=values,
        rows=mel_middles(),
        first_s=(WINDOW_SAMPLES - STRIDE_SAMPLES) / 2 / SAMPLE_RATE_HZ,
        column_s=STRIDE_SAMPLES / SAMPLE_RATE_HZ,
        method=f"window {_ms(WINDOW_SAMPLES)} ms every {_ms(STRIDE_SAMPLES)} ms, {FFT_SAMPLES}-point FFT, "
        f"{CHANNELS} channels {LOWEST_HZ:.0f} to {HIGHEST_HZ:,.0f} Hz, noise reduction, gain control, "
        f"logarithm; the input of a model is {SLICES} slices",
    )


def mel_middles() -> NDArray[np.float64]:
    """Return the middles of the 40 bands in Hz, float64 (40,), even in mel = 1127 ln(1 + f / 700)."""
    return 700 * np.expm1(_mel_edges()[1:-1] / 1127)


def _mel_edges() -> NDArray[np.float64]:
    """Return lower end, middles and upper end of the bands in mel, float64 (42,)."""
    return np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), CHANNELS + 2)


def _mel(hz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hz) / 700)


def _mel_weights() -> NDArray[np.float64]:
    """Return the weights of the bins in each band, (257, 40): triangles that reach to the next middles."""
    lower, middles, upper = _mel_edges()[:-2], _mel_edges()[1:-1], _mel_edges()[2:]
    bins = _mel(np.fft.rfftfreq(FFT_SAMPLES, 1 / SAMPLE_RATE_HZ))[:, None]
    return np.minimum((bins - lower) / (middles - lower), (upper - bins) / (upper - middles)).clip(min=0)


def _over_time(samples: NDArray[np.int16]) -> tuple[Image, Image, Image]:
    """Compute spectrogram, mel spectrogram and MFCCs of the same frames, in one pass over the recording."""
    from scipy import signal  # takes half a second, and most runs have the pictures in the store

    weights = _mel_weights()
    window = signal.get_window("hann", WINDOW_SAMPLES)
    # A sine spreads over several bins, each scaled to read the whole level: their sum is too large by this.
    spread = (window**2).sum() * FFT_SAMPLES / window.sum() ** 2

    frames = (len(samples) - WINDOW_SAMPLES) // HOP_SAMPLES + 1
    together = math.ceil(frames / MOST_COLUMNS)
    block = together * math.ceil(_BLOCK_FRAMES / together)
    bins, bands, coefficients = [], [], []
    for power in _power(samples, WINDOW_SAMPLES, HOP_SAMPLES, FFT_SAMPLES, block):
        mel = power @ weights / spread  # (frames, 40)
        starts = np.arange(0, len(power), together)
        natural = np.log(np.maximum(mel, _power_of(FLOOR_DBFS))).astype(np.float32)
        mfcc = fft.dct(natural)[:, :COEFFICIENTS] / math.sqrt(2 * CHANNELS)
        bins.append(np.maximum.reduceat(power, starts))
        bands.append(np.maximum.reduceat(mel, starts))
        counts = np.diff(np.append(starts, len(power)))
        coefficients.append(np.add.reduceat(mfcc, starts) / counts[:, None])

    framing = f"Hann window {_ms(WINDOW_SAMPLES)} ms every {_ms(HOP_SAMPLES)} ms, {FFT_SAMPLES}-point FFT"
    of_mel = f"{CHANNELS} mel bands {LOWEST_HZ:.0f} to {HIGHEST_HZ:,.0f} Hz"
    loudest = f"; a column is the loudest of {together} frames" if together > 1 else ""
    mean = f"; a column is the mean of {together} frames" if together > 1 else ""

    def image(columns: list[NDArray[Any]], rows: NDArray[np.float64], method: str) -> Image:
        first_s = (WINDOW_SAMPLES - HOP_SAMPLES) / 2 / SAMPLE_RATE_HZ
        values = np.concatenate(columns).astype(np.float32)
        return Image(values, rows, first_s, together * HOP_SAMPLES / SAMPLE_RATE_HZ, method)

    return (
        image(
            [_dbfs(part) for part in bins],
            np.fft.rfftfreq(FFT_SAMPLES, 1 / SAMPLE_RATE_HZ),
            f"{framing}, 0 to {SAMPLE_RATE_HZ // 2:,} Hz{loudest}",
        ),
        image([_dbfs(part) for part in bands], mel_middles(), f"{framing}, {of_mel}{loudest}"),
        image(
            coefficients,
            np.arange(COEFFICIENTS, dtype=np.float64),
            f"{framing}, logarithm of {of_mel}, cosine transform{mean}",
        ),
    )


def _power(
    samples: NDArray[np.int16], window: int, hop: int, fft_samples: int, block: int
) -> Iterator[NDArray[np.float64]]:
    """Yield the power of each bin re full scale, (frames, fft_samples // 2 + 1), `block` frames at a time."""
    from scipy import signal

    frames = (len(samples) - window) // hop + 1
    for first in range(0, frames, block):
        last = min(first + block, frames)
        part = samples[first * hop : (last - 1) * hop + window] / FULL_SCALE
        yield signal.spectrogram(
            part,
            SAMPLE_RATE_HZ,
            window="hann",
            nperseg=window,
            noverlap=window - hop,
            nfft=fft_samples,
            detrend=False,
            scaling="spectrum",
        )[2].T


def _dbfs(power: NDArray[np.floating]) -> NDArray[np.floating]:
    return 10 * np.log10(np.maximum(power, _power_of(FLOOR_DBFS)))


def _power_of(dbfs: float) -> float:
    return 10 ** (dbfs / 10)


def _ms(samples: float) -> str:
    return f"{1000 * samples / SAMPLE_RATE_HZ:.3g}"

"""Chirp that reliably marks a time in a recording, and its detection.

Matched filter with a linear sweep; see Turin, "An introduction to matched filters", IRE Transactions on
Information Theory, 1960. Its peak is 1 / bandwidth wide, 0.27 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from harness.records.record import ReceivedChirp
from harness.sound.levels import clipped_samples, power_dbfs
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ

CHIRP_S = 0.5
"""Long enough for a sweep of this bandwidth to stand 30 dB out of noise of equal loudness."""

LOWEST_HZ, HIGHEST_HZ = 400.0, 4000.0
"""Within speech; a small loudspeaker loses lower frequencies and beams higher ones."""

STRETCHES = np.round(np.arange(-0.012, 0.0121, 0.001), 4)
"""Tried deviations of the microphone's clock. For 16 kHz the Nano 33 BLE's PDM runs its microphone at
1.032 MHz / 64 = 16.125 kHz, 0.8 % fast: the recorded sweep is longer, and a filter for the nominal one would
lose 10 dB."""

_FINE = np.round(np.arange(-0.0008, 0.00081, 0.0001), 4)  # added to the best of these
_RAMP_S = 0.02  # of Hann's window at both ends: no clicks, low side lobes
# Correlation coefficient; measured: noise at most 0.10, speech 0.14; with 9 dB of reverberation 0.36.
_FOUND = 0.2
_EARLIEST = 0.5  # of the highest peak: an earlier peak may be the direct sound of a louder reflection
_REFLECTION_S = 0.03  # 10 m of detour
_NOISE_S = 0.2  # shortest time before the sweep that measures the noise; otherwise the time after it does
_TAIL_S = 0.3  # after the sweep, for its reverberation
_GUARD_S = 0.02


def chirp(level_dbfs: float = -20.0) -> NDArray[np.int16]:
    """Make a linear sweep from 400 to 4,000 Hz with windowed ends: int16 (8000,), 16 kHz.

    Args:
        level_dbfs: its RMS; -3 is full scale.

    Raises:
        ValueError: the sweep would clip.
    """
    samples = _sweep(0.0).real
    scaled = samples * (10 ** (level_dbfs / 20) / np.sqrt(np.mean(samples**2)))
    if np.abs(scaled).max() > 1 - 1 / FULL_SCALE:
        raise ValueError(f"a chirp of {level_dbfs} dBFS clips")
    return np.rint(scaled * FULL_SCALE).astype(np.int16)


def find_chirp(samples: NDArray[np.int16]) -> ReceivedChirp | None:
    """Find the chirp in a recording; return None if there is none.

    Args:
        samples: int16 (N,), nominally 16 kHz, with the whole chirp and some noise before it.
    """
    if len(samples) < len(_sweep(float(STRETCHES[-1]))):
        return None
    sound = in_band(samples)
    matched = _MatchedFilter(sound)
    coarse = max((matched.best(float(stretch)) for stretch in STRETCHES), key=lambda match: match.likeness)
    if coarse.likeness < _FOUND:
        return None
    fine = (matched.best(round(coarse.stretch + float(step), 5)) for step in _FINE)
    match = max(fine, key=lambda match: match.likeness)

    start, end = round(match.at), round(match.at) + len(_sweep(match.stretch))
    noise_power = _power(_noise(sound, start, end))
    chirp_power = max(_power(sound[start:end]) - noise_power, 0.0)
    return ReceivedChirp(
        at_sample=match.at,
        level_dbfs=power_dbfs(chirp_power),
        snr_db=power_dbfs(chirp_power) - power_dbfs(noise_power),
        noise_dbfs=power_dbfs(noise_power),
        clipped_samples=clipped_samples(samples[start:end]),
        stretch=match.stretch,
        likeness=match.likeness,
    )


def in_band(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Filter int16 samples (N,) to the chirp's band without delay: float64 (N,) in steps of int16."""
    from scipy import signal  # takes half a second, and only a loudspeaker plays a chirp

    band = signal.butter(4, (LOWEST_HZ * 0.8, HIGHEST_HZ * 1.1), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    centered = samples - np.mean(samples)  # a PDM microphone has an offset
    return signal.sosfiltfilt(band, centered, padlen=min(len(centered) - 1, 300))


@dataclass(frozen=True)
class _Match:
    """Best position of a sweep: sample and fraction, correlation coefficient, stretch."""

    at: float
    likeness: float
    stretch: float


class _MatchedFilter:
    """Correlation of a sound, float64 (N,), with sweeps of several lengths."""

    def __init__(self, sound: NDArray[np.float64]) -> None:
        self._sound = sound
        self._size = fft.next_fast_len(len(sound) + len(_sweep(float(STRETCHES[-1]))) + 100)
        self._spectrum = fft.fft(sound, self._size)
        self._energy = np.concatenate(([0.0], np.cumsum(sound**2)))

    def best(self, stretch: float) -> _Match:
        from scipy import signal

        sweep = _sweep(stretch)
        places = len(self._sound) - len(sweep) + 1
        correlation = np.abs(fft.ifft(self._spectrum * np.conj(fft.fft(sweep, self._size)))[:places])
        # The sweep is complex so that its phase does not matter: half of its energy is in the real part.
        energy = (self._energy[len(sweep) :] - self._energy[:places]) * np.sum(np.abs(sweep) ** 2) / 2
        silent = len(sweep) / 12 * np.sum(np.abs(sweep) ** 2) / 2  # rounding to int16 alone
        likeness = correlation / np.sqrt(np.maximum(energy, silent))
        highest = int(likeness.argmax())
        first = max(0, highest - round(_REFLECTION_S * SAMPLE_RATE_HZ))
        peaks, _ = signal.find_peaks(likeness[first : highest + 1], height=_EARLIEST * likeness[highest])
        at = first + int(peaks[0]) if len(peaks) else highest
        return _Match(at + _vertex(correlation, at), float(likeness[highest]), stretch)


def _vertex(curve: NDArray[np.float64], at: int) -> float:
    """Interpolate a peak between its neighbors by a parabola: -0.5 to 0.5."""
    if not 0 < at < len(curve) - 1:
        return 0.0
    before, peak, after = curve[at - 1 : at + 2]
    bend = before - 2 * peak + after
    return float(np.clip((before - after) / 2 / bend, -0.5, 0.5)) if bend < 0 else 0.0


@lru_cache(maxsize=256)
def _sweep(stretch: float) -> NDArray[np.complex128]:
    """Make the analytic sweep of amplitude 1 as a microphone with a clock this much too fast samples it."""
    from scipy import signal

    length = round(CHIRP_S * (1 + stretch) * SAMPLE_RATE_HZ)
    at_s = np.arange(length) / (SAMPLE_RATE_HZ * (1 + stretch))
    phase = 2 * np.pi * (LOWEST_HZ * at_s + (HIGHEST_HZ - LOWEST_HZ) / (2 * CHIRP_S) * at_s**2)
    sweep = signal.windows.tukey(length, 2 * _RAMP_S / CHIRP_S) * np.exp(1j * phase)
    sweep.setflags(write=False)
    return sweep


def _noise(sound: NDArray[np.float64], start: int, end: int) -> NDArray[np.float64]:
    """Return up to a second before a chirp; if that is too short, the sound after its reverberation."""
    before = sound[max(0, start - SAMPLE_RATE_HZ) : max(0, start - round(_GUARD_S * SAMPLE_RATE_HZ))]
    return (
        before if len(before) >= _NOISE_S * SAMPLE_RATE_HZ else sound[end + round(_TAIL_S * SAMPLE_RATE_HZ) :]
    )


def _power(sound: NDArray[np.float64]) -> float:
    return float(np.mean(sound**2)) if len(sound) else 0.0

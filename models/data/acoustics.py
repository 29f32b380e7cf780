"""Effects on a voice between mouth and file: room, microphone, noise, level."""

from __future__ import annotations

import numpy as np

from models.data.wav import SAMPLE_RATE_HZ


def room(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Add reverberation: a decaying tail of noise behind the direct sound, which lengthens the samples.

    Reverberation time 0.1 to 0.5 s, the tail 6 to 26 dB below the direct sound.
    """
    from scipy.signal import fftconvolve  # takes half a second, and most commands add no room

    decay_s = generator.uniform(0.1, 0.5)
    length = round(decay_s * SAMPLE_RATE_HZ)
    tail = generator.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)  # −60 dB at its end
    tail[: round(generator.uniform(0.002, 0.010) * SAMPLE_RATE_HZ)] = 0  # before the first reflection
    tail *= 10 ** (-generator.uniform(6, 26) / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1
    return fftconvolve(samples, tail).astype(np.float32)


def effort(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Make loud parts bright and soft parts dull, and let the word swell and die away, as a throat does.

    A formant synthesizer gives a nasal the same upper formants as a vowel, and starts and stops at once.
    """
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    corner_hz = generator.uniform(600, 1500)
    low = np.fft.irfft(np.fft.rfft(samples) / (1 + (hertz / corner_hz) ** 4), len(samples))
    loudness = loudness_of(samples)
    bright = (loudness / max(loudness.max(), 1e-9)) ** generator.uniform(0, 1.2)
    spoken = low + (samples - low) * bright
    rise, fall = (round(generator.uniform(0.005, longest) * SAMPLE_RATE_HZ) for longest in (0.12, 0.25))
    swell = np.ones(len(samples))
    swell[:rise] *= np.linspace(0.1, 1, rise)[: len(samples)]
    fall = min(fall, len(samples))
    swell[len(samples) - fall :] *= 10 ** (-np.arange(fall) / fall * generator.uniform(0, 25) / 20)
    return (spoken * swell).astype(np.float32)


def loudness_of(samples: np.ndarray) -> np.ndarray:
    """Compute the RMS in 20 ms around each sample."""
    width = SAMPLE_RATE_HZ // 50
    mean = np.convolve(np.square(samples, dtype=np.float64), np.full(width, 1 / width), "same")
    return np.sqrt(mean.clip(min=0))[: len(samples)]


def puff(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Add a breath or a movement at the microphone somewhere in the clip, 10 to 35 dB below its peak."""
    length = round(generator.uniform(0.02, 0.2) * SAMPLE_RATE_HZ)
    noise = colored_noise(length, generator.uniform(0, 2), generator) * np.hanning(length)
    start = int(generator.integers(len(samples) - length))
    changed = samples.copy()
    changed[start : start + length] += noise * np.abs(samples).max() * 10 ** (-generator.uniform(10, 35) / 20)
    return changed


def breath(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Add the breath of a human voice, which a formant synthesizer lacks: noise that follows its loudness.

    10 to 45 dB below the voice, between white and pink.
    """
    noise = colored_noise(len(samples), generator.uniform(0, 1), generator)
    return (samples + noise * loudness_of(samples) * 10 ** (-generator.uniform(10, 45) / 20)).astype(
        np.float32
    )


def microphone(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Color the sound like a random microphone: an uneven response and limits at both ends of the band.

    ±6 dB at a dozen frequencies, a tilt of −4 to 6 dB an octave, a high pass at 50 to 250 Hz, a low pass at
    3.4 to 8 kHz.
    """
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    knots = np.geomspace(60, 8000, 12)
    decibels = np.interp(np.log(hertz + 1), np.log(knots), generator.uniform(-6, 6, len(knots)))
    decibels += generator.uniform(-4, 6) * np.log2((hertz + 50) / 1000)
    low, high = generator.uniform(50, 250), generator.uniform(3400, 8000)
    gain = 10 ** (decibels / 20) / np.sqrt(1 + (low / (hertz + 1)) ** 4) / np.sqrt(1 + (hertz / high) ** 8)
    return np.fft.irfft(np.fft.rfft(samples) * gain, len(samples)).astype(np.float32)


def colored_noise(length: int, exponent: float, generator: np.random.Generator) -> np.ndarray:
    """Draw noise of RMS 1 whose power falls with frequency to the power of `exponent`.

    Exponent 0 is white, 1 pink, 2 brown.
    """
    hertz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(generator.standard_normal(length))
    spectrum *= np.maximum(hertz, 20.0) ** (-exponent / 2)
    noise = np.fft.irfft(spectrum, length)
    return (noise / rms(noise)).astype(np.float32)


def hum(length: int, generator: np.random.Generator) -> np.ndarray:
    """Draw slowly swelling mains hum of RMS 1, 50 or 60 Hz with its harmonics."""
    seconds = np.arange(length) / SAMPLE_RATE_HZ
    mains_hz = generator.choice([50.0, 60.0])
    tone = np.zeros(length)
    for harmonic in range(1, 12):
        phase = generator.uniform(0, 2 * np.pi)
        tone += (
            generator.uniform(0.2, 1) / harmonic * np.sin(2 * np.pi * mains_hz * harmonic * seconds + phase)
        )
    tone *= 1 + 0.3 * np.sin(2 * np.pi * generator.uniform(0.1, 0.5) * seconds)
    tone += 0.1 * rms(tone) * colored_noise(length, 1, generator)
    return (tone / rms(tone)).astype(np.float32)


def rms(samples: np.ndarray) -> float:
    """Compute the root mean square, at least 1e-9 so that one can divide by it."""
    return max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1e-9)


def at_level(samples: np.ndarray, rms_dbfs: float) -> np.ndarray:
    """Scale samples to a level (dB relative to full scale), or to a peak of 0.98 if that is lower."""
    gain = 10 ** (rms_dbfs / 20) / rms(samples)
    return (samples * min(gain, 0.98 / max(np.abs(samples).max(), 1e-9))).astype(np.float32)

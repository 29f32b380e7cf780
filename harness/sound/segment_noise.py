"""Sound of a segment besides its words: background, noise, and keyword-free audio."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound import sound_files
from harness.sound.conditions import NOISES, Condition
from harness.sound.playback_plan import PlaybackPlan, Segment
from harness.sound.recordings import is_silence
from models.data.acoustics import colored_noise, hum, rms
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ

VOICES = 8
"""In babble: too many to tell apart."""

_BLOCK = 2**20  # 66 s: a power of two for the Fourier transform, and constant memory
_SEAM = SAMPLE_RATE_HZ // 10
_PAUSE_S = 0.3  # the longest between two words of a voice

EVERYDAY_DBFS = (-50.0, -25.0)
"""Softest and loudest noise in generated keyword-free audio; recorded words have about −20 dBFS."""

_BABBLERS = 64
"""Maximum number of recordings in babble."""

_LASTS_S = (10.0, 60.0)  # each noise in keyword-free audio
_FADE = SAMPLE_RATE_HZ // 2

_NOISE, _BACKGROUND, _EVERYDAY = 1, 2, 3
"""Last part of the seeds of a segment's generators."""


def background(segment: Segment, condition: Condition) -> NDArray[np.float32]:
    """Generate the constant white noise: float32 (N,) in steps of int16."""
    if condition.background_dbfs is None:
        return np.zeros(segment.samples, np.float32)
    level = FULL_SCALE * 10 ** (condition.background_dbfs / 20)
    return white(segment.samples, _generator(segment, _BACKGROUND)) * np.float32(level)


def noise_of(plan: PlaybackPlan, segment: Segment, condition: Condition) -> NDArray[np.float32]:
    """Generate or read the condition's noise for a segment: float32 (N,) at any level.

    Raises:
        UsageError: a noise file is missing or has changed; no recording to make babble from.
    """
    if condition.noise not in NOISES:
        path = plan.folder / condition.noise
        sound_files.check_file(path, condition.noise_sha256)
        start = int(_generator(segment, _NOISE).integers(sound_files.length_of(path)))
        return sound_files.repeated(path, start, segment.samples)
    voices = _voices(plan, segment) if condition.noise == "babble" else []
    if condition.noise == "babble" and not voices:
        raise UsageError(
            "there is no recording to make babble from",
            where=str(plan.folder),
            remedy="Choose another kind of noise, or add recordings with speech.",
        )
    return _make_noise(condition.noise, segment.samples, _generator(segment, _NOISE), voices)


def keyword_free_file(plan: PlaybackPlan, segment: Segment) -> NDArray[np.float32]:
    """Read the part of a user's file that a segment plays: float32 (N,) in steps of int16.

    Raises:
        UsageError: the file is missing, has changed, or cannot be read.
    """
    path = plan.folder / segment.background
    sound_files.check_file(path, segment.background_sha256)
    return sound_files.read_part(path, segment.background_start, segment.samples)


def everyday(plan: PlaybackPlan, segment: Segment) -> NDArray[np.float32]:
    """Generate keyword-free audio from the segment's seed: a sequence of soft and loud noises.

    Each noise lasts 10 to 60 s. Every other one is babble, if the plan has voices: of the generated sounds
    the most likely to be mistaken for a keyword.

    Returns:
        float32 (N,) in steps of int16.
    """
    generator = _generator(segment, _EVERYDAY)
    voices = _voices(plan, segment)
    kinds = list(KINDS)
    sound = np.zeros(segment.samples, np.float32)
    rise = np.sin(np.linspace(0, np.pi / 2, _FADE, dtype=np.float32)) ** 2
    position = turn = 0
    while position < segment.samples:
        count = round(generator.uniform(*_LASTS_S) * SAMPLE_RATE_HZ)
        kind = "babble" if voices and turn % 2 else kinds[generator.integers(len(kinds))]
        piece = _make_noise(kind, count, generator, voices)
        piece *= np.float32(FULL_SCALE * 10 ** (generator.uniform(*EVERYDAY_DBFS) / 20) / rms(piece))
        piece[:_FADE] *= rise
        piece[-_FADE:] *= rise[::-1]
        stop = min(position + count, segment.samples)
        sound[position:stop] += piece[: stop - position]
        position, turn = position + count - _FADE, turn + 1
    return sound


def _make_noise(
    kind: str, length: int, generator: np.random.Generator, voices: list[NDArray[np.int16]]
) -> NDArray[np.float32]:
    if kind == "babble":
        return babble(length, generator, voices)
    return KINDS[kind](length, generator)


def _voices(plan: PlaybackPlan, segment: Segment) -> list[NDArray[np.int16]]:
    """Return the active parts of some of the plan's recordings, each once."""
    words = {word.source: word for each in plan.segments for word in each.words if not is_silence(word.word)}
    chosen = _generator(segment, _NOISE).permutation(sorted(words))[:_BABBLERS]
    voices = []
    for word in (words[source] for source in chosen):
        active = slice(word.onset_sample - word.start_sample, word.end_sample - word.start_sample)
        voices.append(sound_files.recording(plan.folder / word.source, word.sha256)[active])
    return voices


def _generator(segment: Segment, of: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([segment.seed, of]))


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
    rise = np.sin(np.linspace(0, np.pi / 2, _SEAM, dtype=np.float32))
    count = min(_BLOCK, 1 << (length + _SEAM).bit_length())
    for start in range(0, length, count - _SEAM):
        block = make(count)
        if start:
            block[:_SEAM] *= rise
        block[-_SEAM:] *= rise[::-1]
        stop = min(start + count, length)
        sound[start:stop] += block[: stop - start]
    return sound

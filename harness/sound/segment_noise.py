"""What is heard beside a segment's words: background, noise, and whatever keyword-free audio holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.sound import noise, sound_files
from harness.sound.conditions import Condition
from harness.sound.playback_plan import PlaybackPlan, Segment
from harness.sound.recordings import is_silence
from models.data.acoustics import rms
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ

EVERYDAY_DBFS = (-50.0, -25.0)
"""Softest and loudest of the noises in made keyword-free audio; words as recorded have about −20 dBFS."""

_BABBLERS = 64
"""Recordings that babble is made of, at most."""

_LASTS_S = (10.0, 60.0)  # one of them
_FADE = SAMPLE_RATE_HZ // 2

_NOISE, _BACKGROUND, _EVERYDAY = 1, 2, 3
"""What the seeds of a segment's generators end with."""


def background(segment: Segment, condition: Condition) -> NDArray[np.float32]:
    """The white noise that is always there, float32 (N,) in steps of int16."""
    if condition.background_dbfs is None:
        return np.zeros(segment.samples, np.float32)
    level = FULL_SCALE * 10 ** (condition.background_dbfs / 20)
    return noise.white(segment.samples, _generator(segment, _BACKGROUND)) * np.float32(level)


def noise_of(plan: PlaybackPlan, segment: Segment, condition: Condition) -> NDArray[np.float32]:
    """The condition's kind of noise for a whole segment, float32 (N,) at any level.

    Raises:
        UsageError: a file of noise that is missing or has changed; babble without anybody who speaks.
    """
    if condition.noise not in noise.KINDS and condition.noise != "babble":
        path = plan.folder / condition.noise
        sound_files.check_file(path, condition.noise_sha256)
        start = int(_generator(segment, _NOISE).integers(sound_files.length_of(path)))
        return sound_files.repeated(path, start, segment.samples)
    voices = _voices(plan, segment) if condition.noise == "babble" else []
    if condition.noise == "babble" and not voices:
        raise UsageError(
            "there is no recording to make babble of",
            where=str(plan.folder),
            remedy="Choose another kind of noise, or add recordings in which something is said.",
        )
    return _made(condition.noise, segment.samples, _generator(segment, _NOISE), voices)


def keyword_free_file(plan: PlaybackPlan, segment: Segment) -> NDArray[np.float32]:
    """The part of a user's file that a segment is, float32 (N,) in steps of int16.

    Raises:
        UsageError: it is missing, has changed, or cannot be read.
    """
    path = plan.folder / segment.background
    sound_files.check_file(path, segment.background_sha256)
    return sound_files.stretch(path, segment.background_start, segment.samples)


def everyday(plan: PlaybackPlan, segment: Segment) -> NDArray[np.float32]:
    """Keyword-free audio made from the segment's seed: one noise after another, some soft, some loud.

    Each lasts 10 to 60 s. Every other one is babble, where the plan has voices: nothing that is made comes
    closer to what a model may take for a keyword.

    Returns:
        float32 (N,) in steps of int16.
    """
    generator = _generator(segment, _EVERYDAY)
    voices = _voices(plan, segment)
    kinds = list(noise.KINDS)
    sound = np.zeros(segment.samples, np.float32)
    rise = np.sin(np.linspace(0, np.pi / 2, _FADE, dtype=np.float32)) ** 2
    position = turn = 0
    while position < segment.samples:
        count = round(generator.uniform(*_LASTS_S) * SAMPLE_RATE_HZ)
        kind = "babble" if voices and turn % 2 else kinds[generator.integers(len(kinds))]
        piece = _made(kind, count, generator, voices)
        piece *= np.float32(FULL_SCALE * 10 ** (generator.uniform(*EVERYDAY_DBFS) / 20) / rms(piece))
        piece[:_FADE] *= rise
        piece[-_FADE:] *= rise[::-1]
        stop = min(position + count, segment.samples)
        sound[position:stop] += piece[: stop - position]
        position, turn = position + count - _FADE, turn + 1
    return sound


def _made(
    kind: str, length: int, generator: np.random.Generator, voices: list[NDArray[np.int16]]
) -> NDArray[np.float32]:
    if kind == "babble":
        return noise.babble(length, generator, voices)
    return noise.KINDS[kind](length, generator)


def _voices(plan: PlaybackPlan, segment: Segment) -> list[NDArray[np.int16]]:
    """Active parts of some of the plan's recordings, each once."""
    words = {word.source: word for each in plan.segments for word in each.words if not is_silence(word.word)}
    chosen = _generator(segment, _NOISE).permutation(sorted(words))[:_BABBLERS]
    voices = []
    for word in (words[source] for source in chosen):
        active = slice(word.onset_sample - word.start_sample, word.end_sample - word.start_sample)
        voices.append(sound_files.recording(plan.folder / word.source, word.sha256)[active])
    return voices


def _generator(segment: Segment, of: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([segment.seed, of]))

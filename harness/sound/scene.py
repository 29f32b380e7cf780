"""Sound of a planned segment at the microphone: words, room, noise, background, gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.records.field_record import Condition
from harness.sound import segment_noise, sound_files
from harness.sound.conditions import room_of
from harness.sound.levels import power_dbfs
from harness.sound.playback_plan import PlannedWord, PlaybackPlan, Segment
from harness.sound.recordings import is_silence, label_of
from harness.sound.stimulus import SpokenWord, Stimulus
from models.data.wav import FULL_SCALE

_BLOCK = 2**18  # samples summed at once


@dataclass(frozen=True, eq=False)
class Scene:
    """Sound of a segment, and its levels before clipping.

    Attributes:
        samples: int16 (N,), 16 kHz mono.
        clipped_samples: where the sum exceeded int16.
        speech_dbfs: RMS of all words' active parts, including the microphone's gain; None without words.
        noise_dbfs: RMS of noise and background in these parts, or in all of a keyword-free segment; None
            without any.
        snr_db: their difference; None if either is None.
    """

    samples: NDArray[np.int16]
    clipped_samples: int
    speech_dbfs: float | None
    noise_dbfs: float | None
    snr_db: float | None


def render(plan: PlaybackPlan, segment: Segment) -> Scene:
    """Render a segment; the same plan gives the same samples.

    Every word's active part has the condition's level, or is as recorded. The noise comes from the segment's
    seed and has one level throughout: in keyword-free segments that of the condition's words minus its SNR.
    Without an SNR, a keyword-free segment that plays no file holds noises of all kinds and levels
    (`segment_noise.everyday`). In a room the direct sound starts where the plan says, and the reverberation
    follows.

    Raises:
        UsageError: a file is missing or has changed, or the SNR is impossible: the background alone is too
            loud, the noise is silent, or no word defines its level.
    """
    condition = plan.condition(segment)
    where = f'condition "{condition.name}", segment {segment.number}'
    speech, parts = _speech(plan.folder, segment, condition)
    sound = segment_noise.background(segment, condition)
    if segment.background:
        file = segment_noise.keyword_free_file(plan, segment)
        for word in segment.words:  # recorded with it
            length = len(sound_files.recording(plan.folder / word.source, word.sha256))
            file[word.start_sample : word.start_sample + length] = 0
        sound += file
    elif condition.snr_db is not None:
        target = _noise_power(plan, segment, condition, speech, parts, where)
        added = segment_noise.noise_of(plan, segment, condition)
        sound += added * np.float32(_factor(_active(added, parts), _active(sound, parts), target, where))
    elif not segment.words:
        sound += segment_noise.everyday(plan, segment)
    gain = 10 ** (condition.gain_db / 20)
    speech_power = _power(_active(speech, parts)) * gain**2 if parts else 0.0
    noise_power = _power(_active(sound, parts)) * gain**2
    sound += speech
    sound *= np.float32(gain)
    np.rint(sound, out=sound)
    samples = np.clip(sound, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    clipped = int(np.count_nonzero((sound < -FULL_SCALE) | (sound > FULL_SCALE - 1)))
    speech_dbfs = power_dbfs(speech_power) if speech_power else None
    noise_dbfs = power_dbfs(noise_power) if noise_power else None
    snr_db = speech_dbfs - noise_dbfs if speech_dbfs is not None and noise_dbfs is not None else None
    return Scene(samples, clipped, speech_dbfs, noise_dbfs, snr_db)


def to_stimulus(scene: Scene, segment: Segment, labels: Sequence[str]) -> Stimulus:
    """Convert a scene to a stimulus whose words have a model's labels."""
    words = tuple(
        SpokenWord(label_of(each.word, labels), each.word, each.source, each.onset_sample, each.end_sample)
        for each in segment.words
    )
    return Stimulus(scene.samples, words, scene.clipped_samples)


def _speech(folder: Path, segment: Segment, condition: Condition) -> tuple[NDArray[np.float32], list[slice]]:
    """Return all words of a segment at the microphone, before its gain, and their active parts."""
    sound = np.zeros(segment.samples, np.float32)
    parts = []
    for word in segment.words:
        spoken = sound_files.recording(folder / word.source, word.sha256).astype(np.float32)
        if not is_silence(word.word):
            spoken = _at_microphone(spoken, word, condition)
            parts.append(slice(word.onset_sample, word.end_sample))
        stop = min(word.start_sample + len(spoken), segment.samples)
        sound[word.start_sample : stop] += spoken[: stop - word.start_sample]
    return sound, parts


def _at_microphone(
    spoken: NDArray[np.float32], word: PlannedWord, condition: Condition
) -> NDArray[np.float32]:
    if room := room_of(condition):
        spoken = room.reverberate(spoken)
    elif condition.distance_m is not None:
        spoken = spoken / np.float32(condition.distance_m)
    if condition.level_dbfs is None:
        return spoken
    active = spoken[word.onset_sample - word.start_sample : word.end_sample - word.start_sample]
    wanted = FULL_SCALE * 10 ** (condition.level_dbfs / 20)
    return spoken * np.float32(wanted / sqrt(max(_power(active), 1e-12)))


def _noise_power(
    plan: PlaybackPlan,
    segment: Segment,
    condition: Condition,
    speech: NDArray[np.float32],
    parts: list[slice],
    where: str,
) -> float:
    """Return the power that noise and background must have together, in steps of int16 squared."""
    assert condition.snr_db is not None
    if parts:
        spoken = _power(_active(speech, parts))
    elif condition.level_dbfs is not None:
        spoken = FULL_SCALE**2 * 10 ** (condition.level_dbfs / 10)
    else:
        spoken = _spoken_power(plan.folder, _first_spoken(plan, condition, where), condition)
    return spoken * 10 ** (-condition.snr_db / 10)


def _first_spoken(plan: PlaybackPlan, condition: Condition, where: str) -> Segment:
    for segment in plan.segments:
        if segment.condition == condition.name and not all(is_silence(word.word) for word in segment.words):
            return segment
    raise UsageError(
        "an SNR needs a spoken word or a level",
        where=where,
        remedy="Give the condition a level as well, or recordings with speech.",
    )


@lru_cache(maxsize=256)
def _spoken_power(folder: Path, segment: Segment, condition: Condition) -> float:
    speech, parts = _speech(folder, segment, condition)
    return _power(_active(speech, parts))


def _factor(added: NDArray[np.float32], present: NDArray[np.float32], target: float, where: str) -> float:
    """Return the factor for noise that gives it this power together with the sound already present."""
    quadratic, present_power = _power(added), _power(present)
    if present_power >= target:
        raise UsageError(
            f"the background alone is too loud for this SNR: {power_dbfs(present_power):.1f} dBFS, but "
            f"noise and background together may have {power_dbfs(target):.1f} dBFS",
            where=where,
            remedy="Choose a lower SNR, a higher level or a lower background.",
        )
    if quadratic < 1e-9:
        raise UsageError(
            "the noise is silent during the words", where=where, remedy="Give another noise file."
        )
    half = _mean_product(added, present)
    return (sqrt(half**2 + quadratic * (target - present_power)) - half) / quadratic


def _active(sound: NDArray[np.float32], parts: list[slice]) -> NDArray[np.float32]:
    """Join parts of a sound; without parts return all of it."""
    return np.concatenate([sound[part] for part in parts]) if parts else sound


def _power(sound: NDArray[np.float32]) -> float:
    return _mean_product(sound, sound)


def _mean_product(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Average in blocks of float64: little memory, and the same result with any number of threads."""
    total = 0.0
    for start in range(0, len(one), _BLOCK):
        block = slice(start, start + _BLOCK)
        total += float(np.multiply(one[block], other[block], dtype=np.float64).sum())
    return total / max(len(one), 1)

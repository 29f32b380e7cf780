"""Recordings composed into one continuous sound with known word positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.sound.recordings import Recording, is_silence
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ

LEAD_IN_S = 2.0
"""Before the first recording: the front end's noise estimate starts at 0, its time constant is 0.8 s."""

TAIL_S = 2.0
"""After the last one: a word is reported up to 0.9 s after its start, and counts until 1 s after its end."""

SHORTEST_S = 1.0
"""Room for a shorter recording, so that the words keep the distance that the recognizer needs."""

GAP_S = 2.0
"""Between two recordings: words start 3 s apart, more than the longest suppression that `earshot tune` tries,
1.5 s, and the longest average, 1 s, together."""

BACKGROUND_DBFS = -60.0
"""33 steps of int16: below the noise of most recordings; no microphone delivers digital silence."""

_FRAME = SAMPLE_RATE_HZ // 50  # 20 ms
_HOP = SAMPLE_RATE_HZ // 100  # 10 ms
_SHORTEST_RUN = 3  # frames in a row, 40 ms: shorter than any vowel, longer than a click
_BELOW_PEAK_DB = 30.0  # weak consonants lie 20 to 30 dB below the vowel of the same word
_ABOVE_FLOOR = 0.3  # share of the way from the recording's noise to its peak, in dB


class Placed:
    """A word within a sound; `end_sample` is one past its last active sample."""

    onset_sample: int
    end_sample: int

    @property
    def onset_s(self) -> float:
        """Seconds from the start of the sound."""
        return self.onset_sample / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """Seconds from the start of the sound."""
        return self.end_sample / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class SpokenWord(Placed):
    """A word within a stimulus."""

    label: str
    word: str
    source: str
    onset_sample: int
    end_sample: int


@dataclass(frozen=True, eq=False)
class Stimulus:
    """A sound to play.

    Attributes:
        samples: int16 (N,), 16 kHz mono.
        words: in the order in which they are spoken.
        clipped_samples: where recording and background together exceeded int16.
    """

    samples: NDArray[np.int16]
    words: tuple[SpokenWord, ...]
    clipped_samples: int = 0

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def compose(
    recordings: Sequence[Recording],
    gap_s: float = GAP_S,
    background_dbfs: float | None = BACKGROUND_DBFS,
) -> Stimulus:
    """Join recordings over a continuous background of white Gaussian noise.

    A recording starts `gap_s` after the previous one's end, and at least `gap_s` + 1 s after its start. Its
    samples are added unchanged, without fades. The same arguments give the same samples.

    Args:
        recordings: in the order in which they are played.
        gap_s: seconds between two recordings.
        background_dbfs: root mean square of the noise relative to 32768; None for digital silence.

    Raises:
        ValueError: no recordings, or a negative gap.
    """
    if not recordings or gap_s < 0:
        raise ValueError("a stimulus takes at least one recording and a gap of at least 0 s")
    starts = []
    position = to_samples(LEAD_IN_S)
    for recording in recordings:
        starts.append(position)
        position += max(len(recording.samples), to_samples(SHORTEST_S)) + to_samples(gap_s)
    length = position - to_samples(gap_s) + to_samples(TAIL_S)

    sound = np.zeros(length)
    if background_dbfs is not None:
        noise = np.random.Generator(np.random.PCG64(0)).standard_normal(length)
        sound += noise * (FULL_SCALE * 10 ** (background_dbfs / 20))
    words = []
    for recording, start in zip(recordings, starts, strict=True):
        sound[start : start + len(recording.samples)] += recording.samples
        onset, end = active_part(recording.samples, recording.word)
        words.append(
            SpokenWord(recording.label, recording.word, recording.source, start + onset, start + end)
        )
    samples = np.clip(np.rint(sound), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    clipped = int(np.count_nonzero(np.abs(np.rint(sound) - samples) > 0))
    return Stimulus(samples, tuple(words), clipped)


def active_part(samples: NDArray[np.int16], word: str = "") -> tuple[int, int]:
    """Find the spoken part of a recording: its first sample, and one past its last.

    Frames of 20 ms every 10 ms count as active if they are less than 30 dB below the loudest frame, and more
    than 30 % of the way (in dB) from the recording's noise (the 10th percentile) to the loudest, at least 3
    in a row. The result is the whole recording if the word is "silence" or nothing stands out.
    """
    whole = (0, len(samples))
    if is_silence(word) or len(samples) < _FRAME:
        return whole
    power = np.concatenate(([0.0], np.cumsum(samples.astype(np.float64) ** 2)))
    frames = np.arange(0, len(samples) - _FRAME + 1, _HOP)
    energy = (power[frames + _FRAME] - power[frames]) / _FRAME
    level_db = 10 * np.log10(np.maximum(energy, 1 / 12))  # 1/12: the power of rounding to integers
    peak_db, floor_db = level_db.max(), np.percentile(level_db, 10)
    loud = level_db > max(peak_db - _BELOW_PEAK_DB, floor_db + _ABOVE_FLOOR * (peak_db - floor_db))
    runs = np.flatnonzero(np.convolve(loud, np.ones(_SHORTEST_RUN), mode="valid") >= _SHORTEST_RUN)
    if not len(runs):
        return whole
    last = runs[-1] + _SHORTEST_RUN - 1
    return int(frames[runs[0]]), int(frames[last] + _FRAME)


def to_samples(seconds: float) -> int:
    """Convert seconds to samples at 16 kHz."""
    return round(seconds * SAMPLE_RATE_HZ)

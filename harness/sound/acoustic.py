"""Whether the board hears the speaker well enough to be judged, and when on its clock the sound begins.

A chirp goes before the sound; the board sends back what it hears of it, and starts to listen for words after
that. Sound and chirp are one stream: what lies between them is known to the sample, however long the speaker
took to start.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.bench_file import SpeakerEntry, Thresholds
from harness.errors import AcousticFailed
from harness.link.deadline import Deadline
from harness.link.events import Detection, End, Event, Inference, Pcm
from harness.sound.chirp import CHIRP_S, Heard, chirp, find_chirp, in_band
from harness.sound.levels import clipped_samples, rms_dbfs
from models.data.wav import SAMPLE_RATE_HZ

QUIET_S = 0.7
"""Before the chirp: tells the noise."""

STARTING_S = 2.5
"""How long a speaker may take from the command to the first sample; chosen generously, not measured."""

AFTER_S = 0.5
"""Echoed after the chirp: its reverberation, and what the sound's latency may be longer than thought."""

NOISY_DBFS = -40.0
"""Noise above which a bad chirp is blamed on the room, below on the speaker; chosen, not measured."""

_DEAF_DBFS = -95.0  # a microphone has noise of its own; digital silence has -101
_LOUDEST_CHIRP_DBFS = -6.0  # a sine of full scale has -3
_BLOCK = SAMPLE_RATE_HZ // 10
_VERDICT_S = 30.0  # beyond the echo's own length; a second is usual
_UNUSABLE = "the acoustic path is not usable"


@dataclass(frozen=True)
class Alignment:
    """The chirp as the board heard it, and where on the board's clock it began, seconds since `listen%`."""

    heard: Heard
    chirp_starts_s: float


class Qualification:
    """A sound to be played behind a chirp, as soon as the board has heard that well enough.

    `blocks` is played, in whatever thread, while `take` is given what the board reports.

    Args:
        sound: int16 (N,), 16 kHz.
        speaker: what plays it: the silence that goes before, the level.
        thresholds: what counts as heard.

    Attributes:
        chirp_dbfs: the chirp's level as it is played: that of the words.
        echo_samples: how many samples the board has to send back.
    """

    def __init__(self, sound: NDArray[np.int16], speaker: SpeakerEntry, thresholds: Thresholds) -> None:
        self._sound, self._thresholds = sound, thresholds
        self.chirp_dbfs = min(speaker.level_dbfs, _LOUDEST_CHIRP_DBFS)
        self._chirp = chirp(self.chirp_dbfs)
        echo_s = speaker.silence_s + STARTING_S + QUIET_S + CHIRP_S + AFTER_S
        self.echo_samples = round(echo_s * SAMPLE_RATE_HZ)
        self._echo = _Echo(self.echo_samples)
        self._judged = threading.Event()
        self._canceled = False
        self._refusal: AcousticFailed | None = None
        self._alignment: Alignment | None = None
        self._lead_samples = 0  # from the chirp's first sample to the sound's

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Silence, the chirp, silence until the verdict, the sound.

        Raises:
            AcousticFailed: the board did not hear the chirp as it should, or did not tell in time.
        """
        deadline = Deadline(self.echo_samples / SAMPLE_RATE_HZ + _VERDICT_S)
        silence = np.zeros(_BLOCK, np.int16)
        yield np.zeros(round(QUIET_S * SAMPLE_RATE_HZ), np.int16)
        yield self._chirp
        self._lead_samples = len(self._chirp)
        while not self._judged.is_set():
            if self._canceled:
                return
            if deadline.expired:
                raise AcousticFailed(
                    f"{_UNUSABLE}: the board did not send back what it hears",
                    where=f"{self._echo.received} of {self.echo_samples} samples in {deadline.seconds:.0f} s",
                    remedy="Look into the transcript; upload again.",
                )
            yield silence
            self._lead_samples += len(silence)
        if self._refusal:
            raise self._refusal
        for start in range(0, len(self._sound), _BLOCK):
            if self._canceled:
                return
            yield self._sound[start : start + _BLOCK]

    def take(self, event: Event) -> None:
        """What the board reports; judges as soon as the echo is complete."""
        if self._judged.is_set():
            return
        if isinstance(event, Pcm):
            self._echo.add(event)
        # Where its last record was lost, the next one of another kind tells that the echo is over.
        if self._echo.is_complete or isinstance(event, Inference | Detection | End):
            try:
                self._alignment = align(self._echo.samples, self._echo.times, self._thresholds)
            except AcousticFailed as refusal:
                self._refusal = refusal
            self._judged.set()

    def cancel(self) -> None:
        """Lets `blocks` end: nobody listens any more."""
        self._canceled = True

    def result(self) -> tuple[Heard, float]:
        """The chirp as it was heard, and when the sound began: seconds on the board's clock since `listen%`.

        Raises:
            AcousticFailed: the chirp was not heard as it should, or there was no verdict.
        """
        if self._alignment is None:
            raise self._refusal or AcousticFailed(f"{_UNUSABLE}: the board sent nothing back")
        starts_s = self._alignment.chirp_starts_s + self._lead_samples / SAMPLE_RATE_HZ
        return self._alignment.heard, starts_s

    @property
    def echo_samples_lost(self) -> int:
        """What of the echo did not arrive."""
        return self._echo.lost


class _Echo:
    """What a board sent back of its microphone, with the times it tells."""

    def __init__(self, samples: int) -> None:
        self.samples: NDArray[np.int16] = np.zeros(samples, np.int16)
        self.times: list[tuple[int, int]] = []
        self.received = self._end = 0

    def add(self, event: Pcm) -> None:
        """Puts a record where it belongs; what was lost before it stays silent."""
        part = np.frombuffer(event.samples, "<i2")
        part = part[: max(0, len(self.samples) - event.first_sample)]
        end = event.first_sample + len(part)
        self.samples[event.first_sample : end] = part
        self.received += len(part)
        self._end = max(self._end, end)
        self.times.append((end, event.device_ms))

    @property
    def is_complete(self) -> bool:
        """Whether the last sample is there."""
        return self._end == len(self.samples)

    @property
    def lost(self) -> int:
        """Samples that did not arrive."""
        return len(self.samples) - self.received


def align(echo: NDArray[np.int16], times: list[tuple[int, int]], thresholds: Thresholds) -> Alignment:
    """Judges the chirp in what a board heard, and places it on the board's clock.

    Args:
        echo: int16 (N,), nominally 16 kHz.
        times: pairs of a number of samples and the board's milliseconds when it had so many.
        thresholds: what counts as heard.

    Raises:
        AcousticFailed: the path is not usable; with what was measured, and what to do about its cause.
    """
    heard = find_chirp(echo)
    if heard is None:
        raise _not_heard(echo)
    _check(heard, thresholds)
    # A record waits for the buffer of its samples, for the loop and for the line: of all that tell of the
    # chirp, the one that waited least is nearest to the truth. Those of before could stand before a loss.
    rate_hz = SAMPLE_RATE_HZ * (1 + heard.stretch)
    until = heard.at_sample + (CHIRP_S + AFTER_S / 2) * rate_hz
    nearby = [(end, ms) for end, ms in times if heard.at_sample <= end <= until]
    starts_s = min(ms / 1000 - (end - heard.at_sample) / rate_hz for end, ms in nearby or times)
    return Alignment(heard, starts_s)


def _check(heard: Heard, thresholds: Thresholds) -> None:
    measured = (
        f"chirp {heard.level_dbfs:.1f} dBFS, {heard.snr_db:.1f} dB above the noise of {heard.noise_dbfs:.1f} "
        f"dBFS, {heard.clipped_samples} samples clipped"
    )
    if heard.clipped_samples or heard.level_dbfs > thresholds.chirp_max_dbfs:
        raise _unusable(
            "the speaker is too loud for the board's microphone",
            measured,
            "Turn the loudspeaker down, move it away, or lower level_dbfs of [speaker].",
        )
    quiet = heard.level_dbfs < thresholds.chirp_min_dbfs
    if quiet or (heard.snr_db < thresholds.chirp_snr_db and heard.noise_dbfs < NOISY_DBFS):
        raise _unusable(
            "the speaker is too quiet",
            f"{measured}; wanted: {thresholds.chirp_min_dbfs:.0f} dBFS and {thresholds.chirp_snr_db:.0f} dB",
            "Turn the loudspeaker up, move it nearer, or raise level_dbfs of [speaker].",
        )
    if heard.snr_db < thresholds.chirp_snr_db:
        raise _unusable(
            "the room is too noisy",
            f"{measured}; wanted: {thresholds.chirp_snr_db:.0f} dB",
            "Switch off what makes the noise, or turn the loudspeaker up.",
        )


def _not_heard(echo: NDArray[np.int16]) -> AcousticFailed:
    """Why there is no chirp, by what there is instead."""
    level_dbfs, clipped = rms_dbfs(np.rint(in_band(echo)).astype(np.int16)), clipped_samples(echo)
    measured = f"{level_dbfs:.1f} dBFS in the chirp's band, {clipped} samples clipped"
    if level_dbfs < _DEAF_DBFS:
        return _unusable(
            "the board's microphone delivers nothing",
            measured,
            "Check the microphone: another sketch that prints its samples, another board.",
        )
    if clipped > len(echo) // 100:
        return _unusable(
            "the board's microphone is overloaded", measured, "Turn the loudspeaker down; look for noise."
        )
    if level_dbfs > NOISY_DBFS:
        return _unusable(
            "the chirp was not heard, the room is too noisy",
            measured,
            "Switch off what makes the noise, then turn the loudspeaker up.",
        )
    return _unusable(
        "the chirp was not heard",
        measured,
        "Switch the loudspeaker on, unmute it and turn it up; check with `earshot play` that [speaker] "
        "device names the right output.",
    )


def _unusable(cause: str, measured: str, remedy: str) -> AcousticFailed:
    return AcousticFailed(f"{_UNUSABLE}: {cause}", where=measured, remedy=remedy)

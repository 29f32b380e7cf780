"""Qualification of the acoustic path, and alignment of the played sound with the board's clock.

A chirp precedes the sound. The board sends back its microphone's samples of the chirp, then starts to listen
for words. Chirp and sound are one stream: their distance is known to the sample, even if the speaker starts
late.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.bench_file import SpeakerEntry, Thresholds
from harness.errors import AcousticFailed
from harness.link.deadline import Deadline
from harness.link.events import Detection, End, Event, Inference, Pcm
from harness.records.record import ReceivedChirp
from harness.sound.chirp import CHIRP_S, chirp, find_chirp, in_band
from harness.sound.levels import clipped_samples, rms_dbfs
from models.data.wav import SAMPLE_RATE_HZ

QUIET_S = 0.7
"""Before the chirp, to measure the noise."""

STARTING_S = 2.5
"""Longest start of a speaker, from the command to the first sample; chosen generously, not measured."""

AFTER_S = 0.5
"""Echoed after the chirp: its reverberation, and reserve for a longer latency."""

NOISY_DBFS = -40.0
"""A bad chirp in louder noise is blamed on the room, otherwise on the speaker; chosen, not measured."""

_DEAF_DBFS = -95.0  # a microphone has noise of its own; digital silence has -101
_LOUDEST_CHIRP_DBFS = -6.0  # a sine of full scale has -3
_BLOCK = SAMPLE_RATE_HZ // 10
_VERDICT_S = 30.0  # beyond the echo's own length; a second is usual
_UNUSABLE = "the acoustic path is not usable"


class Qualification:
    """A sound that is played after a chirp, once the board has received the chirp well enough.

    One thread plays `blocks`, another passes the board's events to `take`.

    Args:
        sound: int16 (N,), 16 kHz.
        speaker: its level and the silence before the sound are used.

    Attributes:
        chirp_dbfs: level of the played chirp: that of the words.
        echo_samples: number of samples that the board must send back.
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
        self._aligned: tuple[ReceivedChirp, float] | None = None
        self._lead_samples = 0  # from the chirp's first sample to the sound's

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Yield silence, the chirp, silence until the verdict, and the sound.

        Raises:
            AcousticFailed: the board did not receive the chirp well enough, or sent no echo in time.
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
                    f"{_UNUSABLE}: the board did not send back its microphone's samples",
                    where=f"{self._echo.received} of {self.echo_samples} samples in {deadline.seconds:.0f} s",
                    remedy="Read the transcript, and upload the sketch again.",
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
        """Collect the board's echo; judge it as soon as it is complete."""
        if self._judged.is_set():
            return
        if isinstance(event, Pcm):
            self._echo.add(event)
        # If its last record was lost, the next record of another kind ends the echo.
        if self._echo.is_complete or isinstance(event, Inference | Detection | End):
            try:
                self._aligned = align(self._echo.samples, self._echo.times, self._thresholds)
            except AcousticFailed as refusal:
                self._refusal = refusal
            self._judged.set()

    def cancel(self) -> None:
        """End `blocks` early, because the board no longer listens."""
        self._canceled = True

    def result(self) -> tuple[ReceivedChirp, float]:
        """Return the received chirp, and the board's time of the start of the sound, seconds since `listen%`.

        Raises:
            AcousticFailed: the chirp was not received well enough, or there was no verdict.
        """
        if self._aligned is None:
            raise self._refusal or AcousticFailed(f"{_UNUSABLE}: the board sent nothing back")
        heard, starts_s = self._aligned
        return heard, starts_s + self._lead_samples / SAMPLE_RATE_HZ

    @property
    def echo_samples_lost(self) -> int:
        return self._echo.lost


class _Echo:
    """Microphone samples that a board sent back, with its times."""

    def __init__(self, samples: int) -> None:
        self.samples: NDArray[np.int16] = np.zeros(samples, np.int16)
        self.times: list[tuple[int, int]] = []
        self.received = self._end = 0

    def add(self, event: Pcm) -> None:
        """Store a record at its position; lost samples stay 0."""
        part = np.frombuffer(event.samples, "<i2")
        part = part[: max(0, len(self.samples) - event.first_sample)]
        end = event.first_sample + len(part)
        self.samples[event.first_sample : end] = part
        self.received += len(part)
        self._end = max(self._end, end)
        self.times.append((end, event.device_ms))

    @property
    def is_complete(self) -> bool:
        return self._end == len(self.samples)

    @property
    def lost(self) -> int:
        return len(self.samples) - self.received


def align(
    echo: NDArray[np.int16], times: list[tuple[int, int]], thresholds: Thresholds
) -> tuple[ReceivedChirp, float]:
    """Judge the chirp in a board's echo; return it and its start in seconds since `listen%`.

    Args:
        echo: int16 (N,), nominally 16 kHz.
        times: pairs of a number of samples and the board's milliseconds at that number.

    Raises:
        AcousticFailed: the path is not usable; the error names the measurements, the cause and a remedy.
    """
    found = find_chirp(echo)
    if found is None:
        raise _not_found(echo)
    _check(found, thresholds)
    # A record waits for its buffer, the loop and the line: of the records that hold the chirp, the one that
    # waited least has the most accurate time. Earlier records could be followed by a loss.
    rate_hz = SAMPLE_RATE_HZ * (1 + found.stretch)
    until = found.at_sample + (CHIRP_S + AFTER_S / 2) * rate_hz
    nearby = [(end, ms) for end, ms in times if found.at_sample <= end <= until]
    starts_s = min(ms / 1000 - (end - found.at_sample) / rate_hz for end, ms in nearby or times)
    return found, starts_s


def _check(chirp: ReceivedChirp, thresholds: Thresholds) -> None:
    measured = (
        f"chirp {chirp.level_dbfs:.1f} dBFS, {chirp.snr_db:.1f} dB above the noise of {chirp.noise_dbfs:.1f} "
        f"dBFS, {chirp.clipped_samples} samples clipped"
    )
    if chirp.clipped_samples or chirp.level_dbfs > thresholds.chirp_max_dbfs:
        raise _unusable(
            "the speaker is too loud for the board's microphone",
            measured,
            "Turn the loudspeaker down, move it away, or lower level_dbfs of [speaker].",
        )
    quiet = chirp.level_dbfs < thresholds.chirp_min_dbfs
    if quiet or (chirp.snr_db < thresholds.chirp_snr_db and chirp.noise_dbfs < NOISY_DBFS):
        raise _unusable(
            "the speaker is too quiet",
            f"{measured}; needed: {thresholds.chirp_min_dbfs:.0f} dBFS and {thresholds.chirp_snr_db:.0f} dB",
            "Turn the loudspeaker up, move it nearer, or raise level_dbfs of [speaker].",
        )
    if chirp.snr_db < thresholds.chirp_snr_db:
        raise _unusable(
            "the room is too noisy",
            f"{measured}; needed: {thresholds.chirp_snr_db:.0f} dB",
            "Switch off the source of the noise, or turn the loudspeaker up.",
        )


def _not_found(echo: NDArray[np.int16]) -> AcousticFailed:
    """Explain a missing chirp by the level and clipping of the echo."""
    level_dbfs, clipped = rms_dbfs(np.rint(in_band(echo)).astype(np.int16)), clipped_samples(echo)
    measured = f"{level_dbfs:.1f} dBFS in the chirp's band, {clipped} samples clipped"
    if level_dbfs < _DEAF_DBFS:
        return _unusable(
            "the board's microphone delivers nothing",
            measured,
            "Check the microphone with another sketch that prints its samples, or with another board.",
        )
    if clipped > len(echo) // 100:
        return _unusable(
            "the board's microphone is overloaded",
            measured,
            "Turn the loudspeaker down, or switch off other sources of noise.",
        )
    if level_dbfs > NOISY_DBFS:
        return _unusable(
            "the chirp was not found, the room is too noisy",
            measured,
            "Switch off the source of the noise, then turn the loudspeaker up.",
        )
    return _unusable(
        "the chirp was not found",
        measured,
        "Switch the loudspeaker on, unmute it and turn it up; check with `earshot play` that device of "
        "[speaker] names the right output.",
    )


def _unusable(cause: str, measured: str, remedy: str) -> AcousticFailed:
    return AcousticFailed(f"{_UNUSABLE}: {cause}", where=measured, remedy=remedy)

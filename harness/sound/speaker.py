"""Plays sound of unknown length through one pinned output device, without a gap, or says why not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import AcousticFailed
from harness.sound.devices import Device, find_device
from harness.sound.lookahead import Lookahead
from models.data.wav import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from harness.bench_file import SpeakerEntry

_LOOKAHEAD_S = 0.5  # what a source of sound may be late
_HIGH_LATENCY_S = 0.2  # at least: PulseAudio's own "high" is 0.035 s, less than a busy host's pauses
_TAIL_S = 0.5  # of silence after the sound: ALSA cuts off as much as its latency, 0.2 s were measured
_STALL_S = 5.0  # a device that takes nothing for so long is gone; a block lasts 0.2 s at most
_CLOSING_S = 3.0  # closing a device that is gone may hang
_POLL_S = 0.02
_GONE = "Check its cable, that it is switched on, and that `earshot doctor` lists it; then run again."


@dataclass(frozen=True)
class Played:
    """What was played.

    Attributes:
        samples: of the sound at 16 kHz, without the silence before it.
        started_monotonic_s: when the device took the first block, on the host's monotonic clock.
        underflows: how often the device had nothing to play; always 0, since playing fails at the first.
    """

    samples: int
    started_monotonic_s: float
    underflows: int = 0


class Speaker:
    """A loudspeaker at one of the host's output devices.

    Args:
        entry: which device, how much silence before (the first 0.5 to 1 s of a stream is often lost), and
            the latency: "high" is what PortAudio calls so, and at least 0.2 s. Its level is the business of
            whoever makes the sound.
    """

    def __init__(self, entry: SpeakerEntry) -> None:
        self._entry = entry

    def play(self, blocks: Iterable[NDArray[np.int16]]) -> Played:
        """Plays silence and then the blocks in one stream, and returns when they have been played.

        Args:
            blocks: int16 mono at 16 kHz, of any length; asked for 0.5 s ahead, in a thread of their own.

        Raises:
            AcousticFailed: the device is missing, ambiguous, refuses every format, stopped, or had nothing to
                play for a moment; the message says how much had been played.
            Exception: what `blocks` raised; the sound ends at once.
        """
        device = find_device(self._entry.device, "output")
        rate_hz, channels = _accepted_format(device)
        lead_frames = round(self._entry.silence_s * rate_hz)
        source = _between_silence(lead_frames, _resampled(blocks, rate_hz), round(_TAIL_S * rate_hz))
        ahead = Lookahead(source, round(_LOOKAHEAD_S * rate_hz))
        playing = _Playing(ahead, device, rate_hz, lead_frames)
        try:
            ahead.wait_until_full(_STALL_S)
            return playing.run(channels, _latency(device, self._entry.latency))
        finally:
            ahead.close()


class _Playing:
    """One stream from its start to its end."""

    def __init__(self, ahead: Lookahead, device: Device, rate_hz: int, lead_frames: int) -> None:
        self._ahead, self._device, self._rate_hz, self._lead_frames = ahead, device, rate_hz, lead_frames
        self._started_s = 0.0
        self._underflow = ""
        self._ended = threading.Event()

    def run(self, channels: int, latency_s: float | str) -> Played:
        """Plays until the source is exhausted."""
        import sounddevice

        try:
            stream = sounddevice.OutputStream(
                device=self._device.index,
                samplerate=self._rate_hz,
                channels=channels,
                dtype="int16",
                latency=latency_s,
                callback=self._fill,
                finished_callback=self._ended.set,
            )
            try:
                stream.start()
                self._wait()
            finally:
                _in_time(lambda: stream.close(ignore_errors=True))
        except sounddevice.PortAudioError as problem:
            raise self._failed(f"the output device refuses to play: {problem}") from problem
        return Played(self._played_samples, self._started_s)

    def _fill(self, out: NDArray[np.int16], frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback: (frames, channels) to fill, in its own thread, without waiting."""
        import sounddevice

        self._started_s = self._started_s or time.monotonic()
        # What is late in the silence before the sound harms nothing.
        if status.output_underflow and self._ahead.taken > self._lead_frames:
            self._underflow = "the host was late for the output device"
            raise sounddevice.CallbackAbort
        count = self._ahead.take(out[:, 0])
        out[:, 1:] = out[:, :1]
        if count < frames:
            if self._ahead.is_exhausted:
                raise sounddevice.CallbackStop
            if not self._ahead.failure:
                self._underflow = "the sound was not made in time"
            raise sounddevice.CallbackAbort

    def _wait(self) -> None:
        """Until the stream has ended, with whatever ended it raised."""
        taken, since_s = -1, time.monotonic()
        while not self._ended.wait(_POLL_S):
            if self._ahead.failure:
                raise self._ahead.failure
            if self._ahead.taken != taken:
                taken, since_s = self._ahead.taken, time.monotonic()
            elif time.monotonic() - since_s > _STALL_S:
                raise self._failed(f"the output device has taken nothing for {_STALL_S:.0f} s", _GONE)
        if self._ahead.failure:
            raise self._ahead.failure
        if self._underflow:
            raise self._failed(
                f"the sound has a gap: {self._underflow}",
                'Set latency = "high" in the bench file, and keep the host from other work meanwhile.',
            )
        if not self._ahead.is_exhausted:
            raise self._failed("the output device stopped", _GONE)

    @property
    def _played_samples(self) -> int:
        frames = max(0, self._ahead.taken - self._lead_frames)
        if self._ahead.is_exhausted:
            frames -= round(_TAIL_S * self._rate_hz)
        return round(frames * SAMPLE_RATE_HZ / self._rate_hz)

    def _failed(self, what: str, remedy: str = _GONE) -> AcousticFailed:
        return AcousticFailed(
            f"{what}, after {self._played_samples / SAMPLE_RATE_HZ:.2f} s of sound",
            where=self._device.name,
            remedy=remedy,
        )


def _accepted_format(device: Device) -> tuple[int, int]:
    """Rate (Hz) and channels that the device plays: 16 kHz and mono where it does.

    Raises:
        AcousticFailed: it plays neither that nor its own rate, in mono or stereo.
    """
    import sounddevice

    reason: Exception | None = None
    for rate_hz in (SAMPLE_RATE_HZ, device.rate_hz):
        for channels in (1, 2):
            try:
                sounddevice.check_output_settings(device.index, channels, "int16", samplerate=rate_hz)
                return rate_hz, channels
            except (sounddevice.PortAudioError, ValueError) as problem:
                reason = problem
    raise AcousticFailed(
        f"the output device plays neither 16,000 nor {device.rate_hz:,} Hz: {reason}",
        where=device.name,
        remedy="Close other programs that use it, or name another device in the bench file.",
    ) from reason


def _latency(device: Device, wanted: str) -> float | str:
    """Seconds between callback and loudspeaker, or PortAudio's own "low"."""
    import sounddevice

    if wanted == "low":
        return wanted
    return max(_HIGH_LATENCY_S, float(sounddevice.query_devices(device.index)["default_high_output_latency"]))


def _between_silence(
    lead_frames: int, sound: Iterable[NDArray[np.int16]], tail_frames: int
) -> Iterator[NDArray[np.int16]]:
    yield np.zeros(lead_frames, np.int16)
    yield from sound
    yield np.zeros(tail_frames, np.int16)


def _resampled(blocks: Iterable[NDArray[np.int16]], rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """The blocks at another rate; with no delay, and without a seam between them.

    Raises:
        TypeError: a block is not int16 samples in one dimension.
    """
    convert = None
    if rate_hz != SAMPLE_RATE_HZ:
        convert = soxr.ResampleStream(SAMPLE_RATE_HZ, rate_hz, 1, dtype="int16", quality="HQ")
    for block in blocks:
        if block.dtype != np.int16 or block.ndim != 1:
            raise TypeError(f"a sound is int16 samples in one dimension, not {block.dtype} in {block.ndim}")
        yield convert.resample_chunk(block) if convert else block
    if convert:
        yield convert.resample_chunk(np.zeros(0, np.int16), last=True)


def _in_time(close: Callable[[], None]) -> None:
    """Closes, and goes on without that where the sound system hangs."""
    closer = threading.Thread(target=close, name="close output", daemon=True)
    closer.start()
    closer.join(_CLOSING_S)

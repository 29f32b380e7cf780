"""Gapless playback of sound of unknown length through one output device."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import AcousticFailed, SoundGap
from harness.sound.devices import Device, accepted_format, find_device, resampled
from models.data.wav import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from harness.bench_file import SpeakerEntry

_CHUNK_S, _CHUNKS_AHEAD = 0.05, 10  # together the delay that a source of sound may have, 0.5 s
_HIGH_LATENCY_S = 0.2  # at least: PulseAudio's own "high" is 0.035 s, less than a busy host's pauses
_TAIL_S = 0.5  # of silence after the sound: ALSA cuts off its latency, 0.2 s measured
_STALL_S = 5.0  # a device that takes nothing for this long is gone; a block lasts 0.2 s at most
_CLOSING_S = 3.0  # closing a device that is gone may hang
_GONE = "Check the cable and the power, and that `earshot doctor` lists the device; then run again."


class Speaker:
    """A loudspeaker at an output device of the host.

    Args:
        entry: device, silence before the sound (the first 0.5 to 1 s of a stream is often lost), and latency:
            "high" is PortAudio's, but at least 0.2 s. Its level is applied by the caller.
    """

    def __init__(self, entry: SpeakerEntry) -> None:
        self._entry = entry

    def play(self, blocks: Iterable[NDArray[np.int16]]) -> int:
        """Play silence and then the blocks in one stream; return the number of samples played, at 16 kHz.

        Args:
            blocks: int16 mono at 16 kHz, of any length; requested 0.5 s ahead.

        Raises:
            AcousticFailed: the device is missing, ambiguous, refuses every format, stopped, or ran out of
                sound (SoundGap); the message says how much had been played.
            Exception: any exception of `blocks`; the sound ends at once.
        """
        device = find_device(self._entry.device, "output")
        rate_hz, channels = accepted_format(device, "output", (SAMPLE_RATE_HZ, device.rate_hz))
        playing = _Playing(device, rate_hz, round(self._entry.silence_s * rate_hz))
        return playing.run(
            resampled(blocks, SAMPLE_RATE_HZ, rate_hz), channels, _latency(device, self._entry.latency)
        )


class _Playing:
    """One playback stream: the caller's thread queues chunks of sound, and PortAudio's thread plays them."""

    def __init__(self, device: Device, rate_hz: int, lead_frames: int) -> None:
        self._device, self._rate_hz, self._lead_frames = device, rate_hz, lead_frames
        self._tail_frames, self._chunk_frames = round(_TAIL_S * rate_hz), round(_CHUNK_S * rate_hz)
        self._queue: queue.Queue[NDArray[np.int16]] = queue.Queue(_CHUNKS_AHEAD)
        self._rest = np.zeros(0, np.int16)  # taken from the queue, not played yet
        self._has_last = False  # of the chunks, which is the only short one
        self._played_frames = 0
        self._underflow = ""
        self._ended = threading.Event()

    def run(self, sound: Iterable[NDArray[np.int16]], channels: int, latency_s: float | str) -> int:
        import sounddevice

        chunks = self._chunks(sound)
        for chunk in islice(chunks, _CHUNKS_AHEAD):
            self._queue.put(chunk)
        try:
            stream = sounddevice.OutputStream(
                device=self._device.index,
                samplerate=self._rate_hz,
                channels=channels,
                dtype="int16",
                latency=latency_s,
                callback=self._fill,
                finished_callback=self._end,
            )
            try:
                stream.start()
                self._queue_all(chunks)
            finally:
                _in_time(lambda: stream.close(ignore_errors=True))
        except sounddevice.PortAudioError as problem:
            raise self._failed(f"the output device refuses to play: {problem}") from problem
        return self._played_samples

    def _chunks(self, sound: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.int16]]:
        """Cut silence, sound and silence into equal chunks; the last one is shorter, maybe empty."""
        rest, frames = np.zeros(self._lead_frames, np.int16), self._chunk_frames
        for block in chain(sound, [np.zeros(self._tail_frames, np.int16)]):
            rest = np.concatenate((rest, block))
            while len(rest) >= frames:
                yield rest[:frames]
                rest = rest[frames:]
        yield rest

    def _queue_all(self, chunks: Iterator[NDArray[np.int16]]) -> None:
        """Queue the chunks and wait until the stream ends; raise the cause if that was not their end."""
        stalled = f"the output device has taken nothing for {_STALL_S:.0f} s"
        for chunk in chunks:
            try:
                self._queue.put(chunk, timeout=_STALL_S)
            except queue.Full:
                raise self._failed(stalled) from None
            if self._ended.is_set():
                break
        if not self._ended.wait(_STALL_S):
            raise self._failed(stalled)
        if self._underflow:
            raise self._failed(
                f"the sound has a gap: {self._underflow}",
                'Set latency = "high" in the bench file, and keep other work off the host.',
                SoundGap,
            )
        if not self._is_complete:
            raise self._failed("the output device stopped")

    def _fill(self, out: NDArray[np.int16], frames: int, times: Any, status: Any) -> None:
        """Fill (frames, channels) for PortAudio, in its own thread, without waiting."""
        import sounddevice

        # An underflow in the silence before the sound is harmless.
        if status.output_underflow and self._played_frames > self._lead_frames:
            self._underflow = "the host was late for the output device"
            raise sounddevice.CallbackAbort
        with contextlib.suppress(queue.Empty):
            while len(self._rest) < frames and not self._has_last:
                chunk = self._queue.get_nowait()
                self._has_last = len(chunk) < self._chunk_frames
                self._rest = np.concatenate((self._rest, chunk))
        now, self._rest = self._rest[:frames], self._rest[frames:]
        out[: len(now)] = now[:, np.newaxis]
        out[len(now) :] = 0
        self._played_frames += len(now)
        if len(now) < frames:
            if self._has_last:
                raise sounddevice.CallbackStop
            self._underflow = "the sound was not made in time"
            raise sounddevice.CallbackAbort

    def _end(self) -> None:
        self._ended.set()
        with contextlib.suppress(queue.Empty):
            self._queue.get_nowait()  # wakes `_queue_all`, which may wait for room

    @property
    def _is_complete(self) -> bool:
        return self._has_last and not len(self._rest)

    @property
    def _played_samples(self) -> int:
        frames = max(0, self._played_frames - self._lead_frames)
        if self._is_complete:
            frames -= self._tail_frames
        return round(frames * SAMPLE_RATE_HZ / self._rate_hz)

    def _failed(
        self, what: str, remedy: str = _GONE, kind: type[AcousticFailed] = AcousticFailed
    ) -> AcousticFailed:
        return kind(
            f"{what}, after {self._played_samples / SAMPLE_RATE_HZ:.2f} s of sound",
            where=self._device.name,
            remedy=remedy,
        )


def _latency(device: Device, wanted: str) -> float | str:
    """Return the seconds between callback and loudspeaker, or PortAudio's own "low"."""
    import sounddevice

    if wanted == "low":
        return wanted
    return max(_HIGH_LATENCY_S, float(sounddevice.query_devices(device.index)["default_high_output_latency"]))


def _in_time(close: Callable[[], None]) -> None:
    """Close the stream, but do not wait for a sound system that hangs."""
    closer = threading.Thread(target=close, name="close output", daemon=True)
    closer.start()
    closer.join(_CLOSING_S)

"""Sound devices of the host, found by a part of their name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import AcousticFailed

Direction = Literal["output", "input"]


@dataclass(frozen=True)
class Device:
    """A sound device as PortAudio lists it.

    Attributes:
        index: PortAudio's number, valid in this process.
        channels: maximum in this direction.
        rate_hz: default sampling rate.
    """

    index: int
    name: str
    channels: int
    rate_hz: int


def devices(direction: Direction) -> list[Device]:
    """List the devices that play ("output") or record ("input").

    Raises:
        AcousticFailed: PortAudio is not installed or does not start.
    """
    try:
        import sounddevice  # starts PortAudio, which probes every device: only if we play or record

        listed = sounddevice.query_devices()
    except Exception as problem:  # OSError without the library, PortAudioError of a broken sound system
        raise AcousticFailed(
            f"the host's sound system cannot be used: {problem}",
            remedy="Install Debian's libportaudio2; `earshot doctor` lists what else is missing.",
        ) from problem
    return [
        Device(int(one["index"]), str(one["name"]), channels, round(one["default_samplerate"]))
        for one in listed
        if (channels := int(one[f"max_{direction}_channels"]))
    ]


def find_device(name: str, direction: Direction) -> Device:
    """Find the one device whose name contains `name`, ignoring case; an exact match takes precedence.

    Args:
        name: a part of the device's name; empty for the system default.

    Raises:
        AcousticFailed: no device or several devices match; the message lists them.
    """
    known = devices(direction)
    if not known:
        kind = "loudspeaker" if direction == "output" else "microphone"
        raise AcousticFailed(
            f"this computer has no {kind}",
            remedy="Connect one, or start its sound server (PulseAudio, PipeWire).",
        )
    import sounddevice

    try:
        found = sounddevice.query_devices(name or None, direction)
    except (sounddevice.PortAudioError, ValueError) as problem:
        reason = str(problem).splitlines()[0].rstrip(":")
        place = "the bench file ([speaker] device) or as an option" if direction == "output" else "--device"
        raise AcousticFailed(
            f"no single sound device for {direction}: {reason}",
            where=f"available: {', '.join(repr(one.name) for one in known)}",
            remedy=f"Name one device in {place}; connect a missing device, or start its sound server "
            "(PulseAudio, PipeWire).",
        ) from None
    return next(one for one in known if one.index == found["index"])


def accepted_format(device: Device, direction: Direction, rates_hz: Sequence[int]) -> tuple[int, int]:
    """Return the first of some rates that a device takes as int16, and a number of channels, 1 if possible.

    Raises:
        AcousticFailed: it takes none of them, in mono or stereo.
    """
    import sounddevice

    check = getattr(sounddevice, f"check_{direction}_settings")
    reason: Exception | None = None
    for rate_hz in dict.fromkeys(rates_hz):
        for channels in (1, 2):
            try:
                check(device.index, channels, "int16", samplerate=rate_hz)
                return rate_hz, channels
            except (sounddevice.PortAudioError, ValueError) as problem:
                reason = problem
    rates = " and ".join(f"{rate_hz:,} Hz" for rate_hz in dict.fromkeys(rates_hz))
    raise AcousticFailed(
        f"the {direction} device refuses {rates}: {reason}",
        where=device.name,
        remedy="Close other programs that use it, or name another device.",
    ) from reason


def resampled(blocks: Iterable[NDArray[np.int16]], rate_hz: int, to_hz: int) -> Iterator[NDArray[np.int16]]:
    """Convert blocks to another rate, without delay and without seams.

    Raises:
        TypeError: a block is not int16 samples in one dimension.
    """
    convert = None
    if rate_hz != to_hz:
        convert = soxr.ResampleStream(rate_hz, to_hz, 1, dtype="int16", quality="HQ")
    for block in blocks:
        if block.dtype != np.int16 or block.ndim != 1:
            raise TypeError(
                f"a block must be one-dimensional int16, not {block.dtype} in {block.ndim} dimensions"
            )
        yield convert.resample_chunk(block) if convert else block
    if convert:
        yield convert.resample_chunk(np.zeros(0, np.int16), last=True)

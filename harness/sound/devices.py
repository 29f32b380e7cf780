"""Sound devices of the host, found by a part of their name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    import sounddevice

    try:
        found = sounddevice.query_devices(name or None, direction)
    except (sounddevice.PortAudioError, ValueError) as problem:
        reason = str(problem).splitlines()[0].rstrip(":") if known else "there is none"
        raise AcousticFailed(
            f"no single sound device for {direction}: {reason}",
            where=f"available: {', '.join(repr(one.name) for one in known) or 'none'}",
            remedy="Name one device in the bench file ([speaker] device) or as an option; connect a missing "
            "device, or start its sound server (PulseAudio, PipeWire).",
        ) from None
    return next(one for one in known if one.index == found["index"])

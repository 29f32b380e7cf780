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
        name: as listed.
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
        direction: "output" or "input".

    Raises:
        AcousticFailed: no device or several devices match; the message lists them.
    """
    known = devices(direction)
    if not name and (default := _default_index(direction)) is not None:
        return next(one for one in known if one.index == default)
    matching = [one for one in known if name.casefold() in one.name.casefold()]
    equal = [one for one in matching if one.name.casefold() == name.casefold()]
    found = equal if len(equal) == 1 else matching
    if len(found) == 1:
        return found[0]
    if not known:
        raise AcousticFailed(
            f"this machine has no sound device for {direction}" + (f", none named {name!r}" if name else ""),
            remedy="Connect one. If it belongs to a sound server (PulseAudio, PipeWire), start the server.",
        )
    listed = ", ".join(repr(one.name) for one in found or known)
    if not found:
        raise AcousticFailed(
            f"no sound device is named {name!r} for {direction}",
            where=f"available: {listed}",
            remedy="Name one of them in the bench file ([speaker] device) or as an option, or connect it.",
        )
    raise AcousticFailed(
        f"{len(found)} sound devices match {name!r} for {direction}",
        where=f"matching: {listed}",
        remedy="Give a longer part of the name, so that only one device matches.",
    )


def _default_index(direction: Direction) -> int | None:
    """Return PortAudio's number of the system default; None if there is none."""
    import sounddevice

    try:
        return int(sounddevice.query_devices(kind=direction)["index"])
    except (sounddevice.PortAudioError, ValueError):
        return None

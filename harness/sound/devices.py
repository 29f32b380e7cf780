"""The host's sound devices, found by a part of their name."""

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
        name: as it is listed.
        channels: at most so many in this direction.
        rate_hz: its own sampling rate.
    """

    index: int
    name: str
    channels: int
    rate_hz: int


def devices(direction: Direction) -> list[Device]:
    """The devices that play ("output") or record ("input").

    Raises:
        AcousticFailed: PortAudio is not installed or does not start.
    """
    try:
        import sounddevice  # starts PortAudio, which looks at every device: only for who plays or records

        listed = sounddevice.query_devices()
    except Exception as problem:  # OSError without the library, PortAudioError of a broken sound system
        raise AcousticFailed(
            f"the host's sound system cannot be used: {problem}",
            remedy="Install Debian's libportaudio2; `earshot doctor` tells what else is missing.",
        ) from problem
    return [
        Device(int(one["index"]), str(one["name"]), channels, round(one["default_samplerate"]))
        for one in listed
        if (channels := int(one[f"max_{direction}_channels"]))
    ]


def find_device(name: str, direction: Direction) -> Device:
    """The one device whose name contains `name`, whatever its case; a name that is equal goes before.

    Args:
        name: or a part of it; empty for the system's own choice.
        direction: whether it is to play or to record.

    Raises:
        AcousticFailed: no device has that name, or several do; the message lists what there is.
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
            f"this machine has no sound device for {direction}" + (f", none called {name!r}" if name else ""),
            remedy="Plug one in. Where it belongs to a sound server (PulseAudio, PipeWire), that has to run.",
        )
    what = "no sound device is" if not found else f"{len(found)} sound devices are"
    listed = ", ".join(repr(one.name) for one in found or known)
    raise AcousticFailed(
        f"{what} called {name!r} for {direction}",
        where=f"there {'are' if not found else 'match'}: {listed}",
        remedy="Name one of them in the bench file, [speaker] device, or on the command line, or plug it in."
        if not found
        else "Write so much of the name that it fits one of them only.",
    )


def _default_index(direction: Direction) -> int | None:
    """PortAudio's number of the system's own choice; None if it has none."""
    import sounddevice

    try:
        return int(sounddevice.query_devices(kind=direction)["index"])
    except (sounddevice.PortAudioError, ValueError):
        return None

"""The sound of a bench: the loudspeaker of the bench file, and a microphone to record one's own keywords."""

from __future__ import annotations

from harness.bench_file import SpeakerEntry
from harness.doctor.finding import Finding
from harness.errors import AcousticFailed
from harness.sound.devices import devices, find_device


def examine_sound(speaker: SpeakerEntry | None, required: bool) -> list[Finding]:
    """The loudspeaker and a microphone.

    Args:
        speaker: of the bench file, if it has one.
        required: whether keywords are to be played.
    """
    return [_speaker(speaker, required), _microphone()]


def _speaker(speaker: SpeakerEntry | None, required: bool) -> Finding:
    try:
        if speaker is not None:
            return Finding("Speaker", True, required, find_device(speaker.device, "output").name)
        there = ", ".join(device.name for device in devices("output")) or "no sound output on this machine"
    except AcousticFailed as failure:
        detail = f"{failure.what} ({failure.where})" if failure.where else failure.what
        return Finding("Speaker", False, required and speaker is not None, detail, failure.remedy)
    remedy = f"Add [speaker] with its device to the bench file. There is: {there}."
    return Finding("Speaker", False, False, "none in the bench file: no keywords are played", remedy)


def _microphone() -> Finding:
    try:
        inputs = devices("input")
    except AcousticFailed as failure:
        return Finding("Microphone", False, False, failure.what, failure.remedy)
    if inputs:
        return Finding("Microphone", True, False, ", ".join(device.name for device in inputs[:3]))
    remedy = "Plug one into the host: the board's own cannot record for it."
    return Finding("Microphone", False, False, "for `earshot record`", remedy)

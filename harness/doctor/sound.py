"""The sound of a bench: the loudspeaker of the bench file, and a microphone to record one's own keywords."""

from __future__ import annotations

from typing import Any

from harness.bench.bench_file import SpeakerEntry
from harness.doctor.finding import Finding

_PORTAUDIO = "apt-get install libportaudio2"


def examine_sound(speaker: SpeakerEntry | None, required: bool) -> list[Finding]:
    """The loudspeaker and a microphone.

    Args:
        speaker: of the bench file, if it has one.
        required: whether keywords are to be played.
    """
    try:
        import sounddevice

        devices = list(sounddevice.query_devices())
    except OSError as problem:  # the PortAudio library is missing
        return [Finding("Sound", False, required, f"no sound library: {problem}", _PORTAUDIO)]
    return [_speaker(speaker, devices, required), _microphone(devices)]


def _speaker(speaker: SpeakerEntry | None, devices: list[dict[str, Any]], required: bool) -> Finding:
    outputs = [device["name"] for device in devices if device["max_output_channels"] > 0]
    there = f"There are: {', '.join(outputs)}." if outputs else "This machine has no sound output."
    if speaker is None:
        remedy = f"Add [speaker] with its device to the bench file. {there}"
        return Finding("Speaker", False, False, "none in the bench file: no keywords are played", remedy)
    matching = [name for name in outputs if speaker.device in name]
    if len(matching) != 1:
        count = "no output" if not matching else f"{len(matching)} outputs"
        remedy = f"Name exactly one in the bench file. {there}"
        return Finding("Speaker", False, required, f"{count} of the name {speaker.device!r}", remedy)
    return Finding("Speaker", True, required, matching[0])


def _microphone(devices: list[dict[str, Any]]) -> Finding:
    inputs = [device["name"] for device in devices if device["max_input_channels"] > 0]
    if inputs:
        return Finding("Microphone", True, False, f"{len(inputs)}, such as {inputs[0]}")
    remedy = "Plug one in; the board's own is not meant."
    return Finding("Microphone", False, False, "for `earshot record`", remedy)

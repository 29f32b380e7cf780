"""Child process of the tests with a sound system: plays and records on request.

Each line of its stdin is a JSON list, the name of a function below and its arguments; each line of its stdout
is the answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from reported import reported

from harness.bench_file import SpeakerEntry
from harness.sound import recorder
from harness.sound.speaker import Speaker
from models.data.wav import SAMPLE_RATE_HZ

BLOCK = SAMPLE_RATE_HZ // 10


def tone(seconds: float) -> np.ndarray:
    """Make a sweep, which reveals a gap or another speed: int16, -13 dBFS."""
    at_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.rint(10_000 * np.sin(2 * np.pi * (300 * at_s + 200 * at_s**2))).astype(np.int16)


def whole() -> Iterator[np.ndarray]:
    sound = tone(2.0)
    for start in range(0, len(sound), BLOCK):
        yield sound[start : start + BLOCK]


def endless() -> Iterator[np.ndarray]:
    while True:
        yield from whole()


def raising() -> Iterator[np.ndarray]:
    yield from whole()
    raise RuntimeError("the chirp was not heard")


def bytes_instead() -> Iterator[np.ndarray]:
    yield np.zeros(100, np.uint8)


def play(sound: str, device: str) -> int:
    return Speaker(SpeakerEntry(device=device, silence_s=0.5)).play(globals()[sound]())


def play_folder(folder: str) -> list[str]:
    with reported() as lines:
        recorder.play([Path(folder)], "")
    return lines


def record(folder: str, device: str) -> list[str]:
    recorder._COUNTDOWN_S = 0
    with reported() as lines:
        recorder.record("yes", Path(folder), device, 1, 2.0)
    return lines


if __name__ == "__main__":
    print(json.dumps({"result": "ready"}), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = {"result": globals()[name](*arguments)}
        except Exception as problem:
            answer = {"problem": type(problem).__name__, "message": str(problem)}
        print(json.dumps(answer), flush=True)

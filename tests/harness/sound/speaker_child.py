"""Child process of the speaker's tests: plays one of several sounds, and prints the result."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np

from harness.bench_file import SpeakerEntry
from harness.sound.speaker import Speaker
from models.data.wav import SAMPLE_RATE_HZ

BLOCK = SAMPLE_RATE_HZ // 10


def tone(seconds: float) -> np.ndarray:
    """Make a sweep, which reveals a gap or another speed: int16, -13 dBFS."""
    at_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.rint(10_000 * np.sin(2 * np.pi * (300 * at_s + 200 * at_s**2))).astype(np.int16)


def blocks(sound: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(sound), BLOCK):
        yield sound[start : start + BLOCK]


def whole() -> Iterator[np.ndarray]:
    yield from blocks(tone(2.0))


def endless() -> Iterator[np.ndarray]:
    while True:
        yield from blocks(tone(2.0))


def raising() -> Iterator[np.ndarray]:
    yield from blocks(tone(1.0))
    raise RuntimeError("the chirp was not heard")


def starving() -> Iterator[np.ndarray]:
    yield from blocks(tone(1.0))
    time.sleep(2.0)
    yield from blocks(tone(1.0))


def stuck() -> Iterator[np.ndarray]:
    yield from blocks(tone(1.0))
    threading.Event().wait()


def bytes_instead() -> Iterator[np.ndarray]:
    yield np.zeros(100, np.uint8)


def main(scenario: str, device: str) -> None:
    began = time.monotonic()
    outcome: dict[str, object]
    try:
        entry = SpeakerEntry(device=device, silence_s=0.5)
        played = Speaker(entry).play(globals()[scenario]())
        outcome = {"samples": played}
    except Exception as problem:
        outcome = {"problem": type(problem).__name__, "message": str(problem)}
    print(json.dumps({**outcome, "seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

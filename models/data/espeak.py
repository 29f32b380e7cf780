"""Synthesis of words with espeak-ng."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache

import numpy as np
import soxr

from models.data import espeak_server
from models.data.wav import FULL_SCALE, SAMPLE_RATE_HZ
from models.errors import DatasetError


@dataclass(frozen=True)
class Manner:
    """Voice settings; the first three are espeak-ng's -v, -s and -p."""

    voice: str
    """An accent and a variant, such as "en-us+m3"."""
    words_per_minute: int = 160
    pitch: int = 50
    """0 to 99."""
    throat: float = 1.0
    """Vocal tract relative to the voice's own: formants and pitch are divided by it, time is multiplied."""


def speak(text: str, manner: Manner) -> np.ndarray:
    """Synthesize a text and cut off the silence around it.

    Returns:
        float32 (N,), 16 kHz, at the voice's own level. The same espeak-ng gives the same samples.

    Raises:
        DatasetError: espeak-ng is not installed or refuses.
    """
    rate_hz, samples = _server().synthesize(text, manner)
    full_scale = samples / np.float32(FULL_SCALE)
    spoken = soxr.resample(full_scale, rate_hz / manner.throat, SAMPLE_RATE_HZ).astype(np.float32)
    loud = np.flatnonzero(np.abs(spoken) > 0.01 * np.abs(spoken).max(initial=0.0))  # −40 dB
    if not len(loud):
        raise DatasetError(
            f'espeak-ng gives no sound for "{text}"', manner.voice, "Check the voices: espeak-ng --voices."
        )
    return spoken[loud[0] : loud[-1] + 1]


def version() -> str:
    """Return the version, such as "1.51"; another version gives other samples, so artifact keys contain it.

    Raises:
        DatasetError: espeak-ng is not installed.
    """
    return _server().version


class _Server:
    """A process of `espeak_server`; it ends with this process."""

    def __init__(self) -> None:
        # Without site-packages: each text is synthesized in a copy of the process.
        command = [sys.executable, "-S", "-E", espeak_server.__file__]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._lock = threading.Lock()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self.version = self._answers.readline().decode().strip()
        if not self.version:
            raise DatasetError(
                "espeak-ng, which synthesizes the words of the corpus, is not installed",
                "espeak-ng",
                "Install it (apt-get install espeak-ng), or give a real dataset with --dataset PATH.",
            )

    def synthesize(self, text: str, manner: Manner) -> tuple[int, np.ndarray]:
        """Return the rate in Hz and the samples, int16 (N,)."""
        request = json.dumps([manner.voice, manner.words_per_minute, manner.pitch, text])
        with self._lock:
            self._requests.write(request.encode() + b"\n")
            self._requests.flush()
            rate_hz, count = map(int, self._answers.readline().split() or (0, 0))
            samples = np.frombuffer(self._answers.read(2 * count), np.int16)
        if not rate_hz:
            raise DatasetError(
                f'espeak-ng cannot synthesize "{text}"',
                manner.voice,
                f"Try espeak-ng -v {manner.voice} {text!r} by hand; reinstall it if that fails too.",
            )
        return rate_hz, samples


@cache
def _server() -> _Server:
    return _Server()

"""Synthesis of words with espeak-ng."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from functools import cache

import numpy as np
import soundfile
import soxr

from models.data.wav import SAMPLE_RATE_HZ
from models.errors import DatasetError

_PROGRAM = "espeak-ng"


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
    settings = ["-v", manner.voice, "-s", str(manner.words_per_minute), "-p", str(manner.pitch)]
    output = _run([_PROGRAM, "-z", *settings, "--stdout", text])
    samples, rate_hz = soundfile.read(io.BytesIO(output), dtype="float32")
    spoken = soxr.resample(samples, rate_hz / manner.throat, SAMPLE_RATE_HZ).astype(np.float32)
    loud = np.flatnonzero(np.abs(spoken) > 0.01 * np.abs(spoken).max(initial=0.0))  # −40 dB
    if not len(loud):
        raise DatasetError(
            f'espeak-ng gives no sound for "{text}"', manner.voice, "Check the voices: espeak-ng --voices."
        )
    return spoken[loud[0] : loud[-1] + 1]


@cache
def version() -> str:
    """Return the version, such as "1.51"; another version gives other samples, so artifact keys contain it.

    Raises:
        DatasetError: espeak-ng is not installed.
    """
    return _run([_PROGRAM, "--version"]).decode().partition(":")[2].split()[0]


def _run(command: list[str]) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise DatasetError(
            "espeak-ng, which synthesizes the words of the corpus, is not installed",
            _PROGRAM,
            "Install it (apt-get install espeak-ng), or give a real dataset with --dataset PATH.",
        ) from error
    except subprocess.CalledProcessError as error:
        raise DatasetError(
            f"espeak-ng exited with {error.returncode}: {error.stderr.decode(errors='replace').strip()}",
            " ".join(command),
            "Run the command by hand; reinstall espeak-ng if it fails there too.",
        ) from error
    return done.stdout

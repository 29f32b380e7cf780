"""A synthetic corpus in the Speech Commands layout, for machines without the real one."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from models import cluster, progress
from models.data import acoustics, espeak, espeak_server, voices, wav
from models.data.dataset import BACKGROUND_FOLDER, CLIP_SAMPLES
from models.store import Store

OTHER_WORDS = (
    *("up", "down", "left", "right", "on", "off", "stop", "go"),
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("backward", "bed", "bird", "cat", "dog", "follow", "forward", "happy", "house", "learn"),
    *("marvin", "sheila", "tree", "visual", "wow"),
)
"""The words of Speech Commands 0.02 but yes and no."""

_BATCH = 64
"""Words that a process synthesizes before it asks for more."""


@dataclass(frozen=True)
class CorpusConfig:
    """Size and seed of the corpus."""

    wanted: tuple[str, ...] = ("yes", "no")
    others: tuple[str, ...] = OTHER_WORDS
    wanted_each: int = 1200
    others_each: int = 100
    noise_s: float = 30.0
    """Length of each file of background noise, at least 1."""
    seed: int = 1

    @classmethod
    def of(cls, words: Sequence[str]) -> CorpusConfig:
        """Return the configuration of a vocabulary; the other words of Speech Commands are "unknown"."""
        others = (*OTHER_WORDS, *cls.wanted)
        return cls(tuple(words), tuple(word for word in others if word not in words))


@dataclass(frozen=True)
class Utterance:
    """A file of the corpus."""

    word: str
    voice: str
    number: int
    """Counts the utterances of this word by this voice, from 0."""

    @property
    def name(self) -> str:
        """Path `<word>/<speaker>_nohash_<number>.wav`; the speaker is a hash of the voice."""
        speaker = hashlib.sha1(self.voice.encode()).hexdigest()[:8]
        return f"{self.word}/{speaker}_nohash_{self.number}.wav"


def synthetic_corpus(store: Store, config: CorpusConfig | None = None) -> Path:
    """Return the folder of the corpus; it is synthesized if the store does not have it.

    The same configuration and the same espeak-ng give identical bytes.

    Args:
        store: holds the corpus.
        config: size and seed.

    Raises:
        DatasetError: espeak-ng is missing or fails.
    """
    config = config or CorpusConfig()
    return store.build("corpus", _inputs(config), lambda folder: _speak_all(folder, config, store), _code())


def corpus_path(store: Store, config: CorpusConfig | None = None) -> Path:
    """Return the folder of the corpus, whether it exists or not.

    Raises:
        DatasetError: espeak-ng is missing or fails.
    """
    return store.path_of("corpus", _inputs(config or CorpusConfig()), _code())


def _inputs(config: CorpusConfig) -> dict[str, Any]:
    return {"config": config, "espeak-ng": espeak.version()}


def _code() -> list[ModuleType]:
    return [sys.modules[__name__], acoustics, espeak, espeak_server, voices, wav]


def utterances(config: CorpusConfig) -> list[Utterance]:
    """List the utterances: every word goes round all voices in its own random order."""
    everyone = [f"{accent}+{variant}" for accent in voices.ACCENTS for variant in voices.CORPUS_VARIANTS]
    planned = []
    for word in (*config.wanted, *config.others):
        order = _generator(config, "order", word).permutation(len(everyone))
        for index in range(config.wanted_each if word in config.wanted else config.others_each):
            number, place = divmod(index, len(everyone))
            planned.append(Utterance(word, everyone[order[place]], number))
    return planned


def _speak_all(folder: Path, config: CorpusConfig, store: Store) -> None:
    planned = utterances(config)
    for name in {utterance.word for utterance in planned} | {BACKGROUND_FOLDER}:
        (folder / name).mkdir()
    batches = [planned[start : start + _BATCH] for start in range(0, len(planned), _BATCH)]
    with cluster.opened(store) as tasks:
        speaking = [tasks.submit("speak", _write, folder, config, batch) for batch in batches]
        advance = progress.count(len(planned), "words")
        for spoken in tasks.completed(speaking):
            advance(spoken.result())
    for name, noise in _noises(config):
        wav.write_wav(
            folder / BACKGROUND_FOLDER / f"{name}.wav", wav.to_int16(acoustics.at_level(noise, -20))
        )


def _write(folder: Path, config: CorpusConfig, batch: Sequence[Utterance]) -> int:
    for utterance in batch:
        wav.write_wav(folder / utterance.name, wav.to_int16(_spoken(utterance, config)))
    return len(batch)


def _spoken(utterance: Utterance, config: CorpusConfig) -> np.ndarray:
    """Synthesize one second with the word somewhere in it, float32 (16000,)."""
    draw = _generator(config, "speak", utterance.name)
    manner = espeak.Manner(
        utterance.voice,
        words_per_minute=int(draw.integers(80, 201)),
        pitch=int(draw.integers(15, 86)),
        throat=float(draw.uniform(0.82, 1.2)),
    )
    word = espeak.speak(utterance.word + str(draw.choice(["", "?", "!", ","])), manner)
    word = acoustics.breath(acoustics.effort(word, draw), draw)
    earliest = -0.2 * len(word)  # a recording cuts a word off now and then
    start = round(draw.uniform(earliest, max(earliest, CLIP_SAMPLES - 0.8 * len(word))))
    clip = placed(acoustics.room(word, draw) if draw.uniform() < 0.6 else word, start)
    clip = acoustics.puff(clip, draw) if draw.uniform() < 0.4 else clip
    clip = acoustics.microphone(clip, draw)
    clip = acoustics.at_level(clip, draw.uniform(-38, -16))
    noise = acoustics.colored_noise(CLIP_SAMPLES, draw.uniform(0, 2), draw)
    return clip + noise * acoustics.rms(clip) * 10 ** (-draw.uniform(10, 60) / 20)


def placed(samples: np.ndarray, start: int) -> np.ndarray:
    """Put samples into a second of zeros at `start`, float32 (16000,); what lies outside is cut off."""
    clip = np.zeros(CLIP_SAMPLES, np.float32)
    first, last = max(start, 0), min(start + len(samples), CLIP_SAMPLES)
    clip[first:last] = samples[first - start : last - start]
    return clip


def _noises(config: CorpusConfig) -> Iterator[tuple[str, np.ndarray]]:
    """Yield background noises by name, float32 (N,)."""
    length = round(config.noise_s * wav.SAMPLE_RATE_HZ)
    for exponent, name in enumerate(("white", "pink", "brown")):
        yield name, acoustics.colored_noise(length, exponent, _generator(config, name))
    yield "hum", acoustics.hum(length, _generator(config, "hum"))
    yield "babble", _babble(length, config)


def _babble(length: int, config: CorpusConfig) -> np.ndarray:
    """Synthesize a crowd: eight voices at a time, each saying other words without a pause."""
    draw = _generator(config, "babble")
    crowd = np.zeros(length, np.float32)
    for _ in range(8):
        start = 0
        while start < length:
            voice = f"{draw.choice(voices.ACCENTS)}+{draw.choice(voices.CORPUS_VARIANTS)}"
            text = " ".join(draw.choice(config.others or config.wanted, 40))
            spoken = espeak.speak(
                text, espeak.Manner(voice, int(draw.integers(120, 200)), int(draw.integers(20, 80)))
            )
            spoken = acoustics.at_level(spoken, -20)[: length - start]
            crowd[start : start + len(spoken)] += spoken
            start += len(spoken)
    return acoustics.room(crowd, draw)[:length]


def _generator(config: CorpusConfig, *names: str) -> np.random.Generator:
    """Create a generator for these names, so that no draw depends on the order of the draws."""
    digest = hashlib.sha256("\0".join((str(config.seed), *names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))

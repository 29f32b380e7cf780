"""A synthetic corpus in the Speech Commands layout, for machines without the real one."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models import acoustics, espeak, voices, wav
from models.artefacts import Store
from models.dataset import BACKGROUND_FOLDER, CLIP_SAMPLES, split_of
from models.errors import ConfigError

OTHER_WORDS = (
    *("up", "down", "left", "right", "on", "off", "stop", "go"),
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("backward", "bed", "bird", "cat", "dog", "follow", "forward", "happy", "house", "learn"),
    *("marvin", "sheila", "tree", "visual", "wow"),
)
"""The other 33 words of Speech Commands 0.02."""

_CUT = 0.25
"""The share of a word that may lie outside the clip: one that listens meets every word like that too."""


@dataclass(frozen=True)
class CorpusConfig:
    """How much is spoken, and from which seed everything random is drawn."""

    wanted: tuple[str, ...] = ("yes", "no")
    others: tuple[str, ...] = OTHER_WORDS
    wanted_each: int = 2000
    """Files of each wanted word."""
    others_each: int = 120
    takes: int = 2
    """Files made of one saying of a word, in other throats, rooms and noise: cheaper than speaking again."""
    noise_s: float = 30.0
    """Length of each file of background noise."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.wanted or min(self.wanted_each, self.others_each, self.takes) < 1 or self.noise_s < 1:
            raise ConfigError(
                "a corpus needs wanted words, one of each word and a second of noise", "CorpusConfig"
            )


@dataclass(frozen=True)
class Utterance:
    """One file of the corpus."""

    word: str
    voice: str
    number: int
    """Counts the files of this voice and word, from 0."""
    saying: int
    """Counts what this voice says of this word; the takes of a saying share it."""

    @property
    def name(self) -> str:
        """`<word>/<speaker>_nohash_<number>.wav`, the speaker being a hash of the voice."""
        speaker = hashlib.sha1(self.voice.encode()).hexdigest()[:8]
        return f"{self.word}/{speaker}_nohash_{self.number}.wav"


def synthetic_corpus(store: Store, config: CorpusConfig | None = None, progress: bool = True) -> Path:
    """The folder of the corpus, spoken now unless it was before.

    The same configuration and the same espeak-ng give identical bytes.

    Args:
        store: where it is kept.
        config: see `CorpusConfig`.
        progress: whether to show a bar on stderr.

    Raises:
        DatasetError: espeak-ng is missing or fails.
    """
    config = config or CorpusConfig()
    return store.build(
        "corpus",
        {"config": config, "espeak-ng": espeak.version()},
        lambda folder: _speak_all(folder, config, progress),
        code=[sys.modules[__name__], acoustics, espeak, voices, wav],
    )


def utterances(config: CorpusConfig) -> list[Utterance]:
    """The files: every word goes round all voices in an order of its own; takes follow each other."""
    everyone = [f"{accent}+{variant}" for accent in voices.ACCENTS for variant in voices.CORPUS_VARIANTS]
    planned = []
    for word in (*config.wanted, *config.others):
        order = _generator(config, "order", word).permutation(len(everyone))
        for index in range(config.wanted_each if word in config.wanted else config.others_each):
            saying, take = divmod(index, config.takes)
            turn, place = divmod(saying, len(everyone))
            number = turn * config.takes + take
            planned.append(Utterance(word, everyone[order[place]], number, turn))
    return planned


def _speak_all(folder: Path, config: CorpusConfig, progress: bool) -> None:
    planned = utterances(config)
    for name in {utterance.word for utterance in planned} | {BACKGROUND_FOLDER}:
        (folder / name).mkdir()
    sayings = [
        list(takes) for _, takes in groupby(planned, lambda each: (each.word, each.voice, each.saying))
    ]
    with (
        ThreadPoolExecutor(
            os.cpu_count()
        ) as pool,  # threads: most of the time espeak-ng's own processes work
        tqdm(total=len(planned), desc="corpus", unit=" words", disable=not progress, leave=False) as bar,
    ):
        for written in pool.map(lambda takes: _write(folder, takes, config), sayings):
            bar.update(written)
    for name, noise in _noises(config):
        wav.write_wav(
            folder / BACKGROUND_FOLDER / f"{name}.wav", wav.to_int16(acoustics.levelled(noise, -20))
        )


def _write(folder: Path, takes: list[Utterance], config: CorpusConfig) -> int:
    """Speaks once and writes every take of it; returns how many."""
    first = takes[0]
    draw = _generator(config, "say", first.word, first.voice, str(first.saying))
    manner = espeak.Manner(first.voice, int(draw.integers(80, 181)), int(draw.integers(15, 76)))
    said = espeak.speak(first.word + str(draw.choice(["", "?", "!", ","])), manner)
    for take in takes:
        wav.write_wav(folder / take.name, wav.to_int16(_recorded(said, take, config)))
    return len(takes)


def _recorded(said: np.ndarray, take: Utterance, config: CorpusConfig) -> np.ndarray:
    """One second with what was said somewhere in it, float32 (16000,).

    The training speakers are recorded anyhow, the others decently: as with the shifts and the noise of
    `models.dataset`, what is made hard is what is learned from, not what is measured with.
    """
    draw = _generator(config, "record", take.name)
    training = split_of(take.name) == "training"
    roughness = float(draw.uniform()) if training else 0.0
    word = acoustics.other_throat(said, draw.uniform(0.88, 1.15))
    if training:
        word = acoustics.breath(acoustics.effort(word, draw, roughness), draw, roughness)
    margin = _CUT * len(word) if training else 0.0  # a recording cuts a word off now and then
    latest = max(CLIP_SAMPLES - len(word) + margin, -margin)
    start = draw.uniform(-margin, latest) if training else latest / 2 + draw.uniform(-0.1, 0.1) * latest
    clip = placed(acoustics.room(word, draw) if draw.uniform() < 0.5 else word, round(start))
    if training and draw.uniform() < 0.4:
        clip = acoustics.puff(clip, draw)
    clip = acoustics.microphone(clip, draw, roughness)
    clip = acoustics.levelled(clip, draw.uniform(-38, -16))
    noise = acoustics.coloured_noise(CLIP_SAMPLES, draw.uniform(0, 2), draw)
    quiet_db = draw.uniform(22 - 14 * roughness, 58)
    return clip + noise * acoustics.rms(clip) * 10 ** (-quiet_db / 20)


def placed(samples: np.ndarray, start: int) -> np.ndarray:
    """A second, float32 (16000,), of zeros with the samples put in at `start`; what lies outside is cut."""
    clip = np.zeros(CLIP_SAMPLES, np.float32)
    first, last = max(start, 0), min(start + len(samples), CLIP_SAMPLES)
    clip[first:last] = samples[first - start : last - start]
    return clip


def _noises(config: CorpusConfig) -> Iterator[tuple[str, np.ndarray]]:
    """Background noise by name, float32 (N,) each."""
    length = round(config.noise_s * wav.SAMPLE_RATE_HZ)
    for exponent, name in enumerate(("white", "pink", "brown")):
        yield name, acoustics.coloured_noise(length, exponent, _generator(config, name))
    yield "hum", acoustics.hum(length, _generator(config, "hum"))
    yield "babble", _babble(length, config)


def _babble(length: int, config: CorpusConfig) -> np.ndarray:
    """A crowd: eight voices at a time, each saying other words without a pause."""
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
            spoken = acoustics.levelled(spoken, -20)[: length - start]
            crowd[start : start + len(spoken)] += spoken
            start += len(spoken)
    return acoustics.room(crowd, draw)[:length]


def _generator(config: CorpusConfig, *names: str) -> np.random.Generator:
    """A generator of its own for whatever the names say, so that no draw depends on an order."""
    digest = hashlib.sha256("\0".join((str(config.seed), *names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))

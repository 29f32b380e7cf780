"""Accuracy on people with other effects on synthetic voices.

    python -m benchmarks.augmentations --dataset PEOPLE

Trains TinyConv on synthetic voices alone, each time with one effect left out, stronger or added, and labels
the words of a dataset of people, none of whom the network has heard. Prints the accuracy of each effect on
the training list, by which an effect may be chosen, and on the validation and testing lists: mean and range
of the seeds, and the difference to the corpus as it is, in points, with its 95 % interval. The bootstrap
draws speakers and seeds. A seed gives both networks the same first weights, so seeds are compared in pairs.
A keyword weighs 1; all other words together weigh 33 % of the keywords, as in a test set.

A corpus has a third of the clips of the default one; `--whole` takes all, for 25 epochs. An effect takes
about one minute of processor time with four seeds, three with the whole corpus. `--output` keeps which words
are labeled correctly, and a second call continues there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from torch import nn

from models import train
from models.data import acoustics, corpus, espeak, wav
from models.data.dataset import BACKGROUND_FOLDER, SPLITS, DatasetConfig, Split
from models.data.features import FeatureSets, feature_sets
from models.data.vocabulary import UNKNOWN
from models.scratch import ScratchFolder
from models.store import Store
from models.variants import load_family

SMALL = corpus.CorpusConfig(wanted_each=400, others_each=33), 30
"""A third of the corpus, and epochs: as many steps as in the study of voices, 10 epochs of the whole."""
WHOLE = corpus.CorpusConfig(), 25

Sound, Draw = np.ndarray, np.random.Generator


@dataclass(frozen=True)
class Effect:
    """A change of the corpus, of its mixing with noise, or of training."""

    acoustics: dict[str, Callable[..., Sound]] = field(default_factory=lambda: {"room": acoustics.room})
    manner: Callable[[espeak.Manner], dict[str, Any]] = lambda manner: {}
    dataset: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def untouched(sound: Sound, *_: object) -> Sound:
    return sound


def twice(effect: Callable[[Sound, Draw], Sound], sound: Sound, draw: Draw) -> Sound:
    return effect(effect(sound, draw), draw)


def glided(sound: Sound, draw: Draw) -> Sound:
    """Let speed and pitch glide by up to 20 % within the word, then do what `effort` does."""
    knots = np.cumsum(np.append(0, np.exp(draw.uniform(-0.2, 0.2, 4))))
    length = round(len(sound) * knots[-1] / 4)
    places = np.interp(np.linspace(0, 4, length), np.linspace(0, 4, 5), knots / knots[-1] * (len(sound) - 1))
    bent = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    return _EFFORT(bent, draw)


def overdriven(sound: Sound, draw: Draw) -> Sound:
    """Color the sound like a microphone whose amplifier saturates, up to 20 dB above its limit."""
    heard = _MICROPHONE(sound, draw)
    drive = 10 ** (draw.uniform(-10, 20) / 20) / max(float(np.abs(heard).max()), 1e-9)
    return np.tanh(heard * drive).astype(np.float32)


_ROOM, _MICROPHONE, _EFFORT, _LEVEL = (
    acoustics.room,
    acoustics.microphone,
    acoustics.effort,
    acoustics.at_level,
)

EFFECTS = {
    "as it is": Effect(),
    "without rooms": Effect({"room": untouched}),
    "without microphones": Effect({"microphone": untouched}),
    "without breath, effort and puffs": Effect(dict.fromkeys(("breath", "effort", "puff"), untouched)),
    "one length of the vocal tract": Effect(manner=lambda manner: {"throat": 1.0}),
    "one level, -25 dBFS": Effect({"at_level": lambda sound, _: _LEVEL(sound, -25)}),
    "without shifts and masks of features": Effect(
        training=dict.fromkeys(("shift_slices", "shift_channels", "mask_slices", "mask_channels"), 0)
    ),
    "vocal tracts of 0.67 to 1.44": Effect(manner=lambda manner: {"throat": manner.throat**2}),
    "pitch of 0 to 99": Effect(manner=lambda manner: {"pitch": (manner.pitch - 15) * 99 // 70}),
    "80 to 280 words per minute": Effect(
        manner=lambda manner: {"words_per_minute": 80 + (manner.words_per_minute - 80) * 200 // 120}
    ),
    "speed and pitch glide within a word": Effect({"effort": glided}),
    "two rooms, one in the other": Effect({"room": partial(twice, _ROOM)}),
    "two microphones, one after the other": Effect({"microphone": partial(twice, _MICROPHONE)}),
    "microphones that saturate": Effect({"microphone": overdriven}),
    "saturating microphones in two rooms": Effect({"microphone": overdriven, "room": partial(twice, _ROOM)}),
    "noise and babble up to 10 dB louder": Effect(dataset={"background_volume": 0.316}),
    "masks of up to 6 slices and channels": Effect(training={"mask_slices": 6, "mask_channels": 6}),
    "shifts of up to 2 channels": Effect(training={"shift_channels": 2}),
}

AS_IT_IS = next(iter(EFFECTS))
VARIANT = load_family(patterns="tinyconv-float32")[0][0]


def synthesized(
    effect: Effect, config: corpus.CorpusConfig, noise: Path, folder: Path, store: Store
) -> FeatureSets:
    """Synthesize a corpus with an effect, and compute its features."""
    for word in (*config.wanted, *config.others):
        (folder / word).mkdir(parents=True)
    (folder / BACKGROUND_FOLDER).symlink_to(noise)
    with mock.patch.multiple(corpus.acoustics, **effect.acoustics):
        speak = corpus.espeak.speak
        changed = lambda text, manner: speak(text, replace(manner, **effect.manner(manner)))  # noqa: E731
        with mock.patch.object(corpus.espeak, "speak", changed):
            for utterance in corpus.utterances(config):
                wav.write_wav(folder / utterance.name, wav.to_int16(corpus._spoken(utterance, config)))
    return feature_sets(folder, replace(DatasetConfig(), **effect.dataset), store)


def right_answers(network: nn.Module, people: FeatureSets) -> dict[str, np.ndarray]:
    """Return by split which words of people are labeled correctly, bool (N,)."""
    return {
        split: train.probabilities_of(network, people, split).argmax(1).numpy() == people.split(split)[1]
        for split in SPLITS
    }


def measured(
    name: str,
    size: tuple[corpus.CorpusConfig, int],
    seeds: int,
    people: FeatureSets,
    noise: Path,
    output: Path,
) -> list[Any]:
    """Return by seed and split which words are labeled correctly; keep that in `output`."""
    config, epochs = size
    stem = f"{name.replace(' ', '-')}.{config.wanted_each}"
    files = [output / f"{stem}.{seed}.npz" for seed in range(1, seeds + 1)]
    if not all(file.exists() for file in files):
        with ScratchFolder("effect") as folder:
            features = synthesized(EFFECTS[name], config, noise, folder / "corpus", Store(folder / "store"))
            for seed, file in enumerate(files, 1):
                training = replace(VARIANT.training, epochs=epochs, **EFFECTS[name].training)
                if not file.exists():
                    network = train.fit(replace(VARIANT, seed=seed, training=training), features).network
                    np.savez(file, **right_answers(network, people))
    return [np.load(file) for file in files]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--only", nargs="*", choices=EFFECTS, default=[], help="beside the corpus as it is")
    parser.add_argument("--output", type=Path, help="folder to keep results in, and to continue from")
    parser.add_argument("--whole", action="store_true", help="synthesize the whole corpus")
    options = parser.parse_args()
    size = WHOLE if options.whole else SMALL
    if options.dataset is None:
        print("skipped: give a dataset of people with --dataset FOLDER")
        return
    with ScratchFolder("effects") as scratch:
        output = options.output or scratch / "output"
        output.mkdir(parents=True, exist_ok=True)
        everything = DatasetConfig(
            silence_percent=0, unknown_percent=1e6, background_frequency=0, time_shift_ms=0, copies=1
        )
        people = feature_sets(options.dataset, everything, Store(scratch / "people"))
        (scratch / "noise").mkdir()
        for name, noise in corpus._noises(size[0]):
            wav.write_wav(scratch / "noise" / f"{name}.wav", wav.to_int16(acoustics.at_level(noise, -20)))
        corpus.espeak.speak = cache(corpus.espeak.speak)  # most effects change what is spoken, not the words
        for name in dict.fromkeys([AS_IT_IS, *(options.only or EFFECTS)]):
            results = {
                one: measured(one, size, options.seeds, people, scratch / "noise", output)
                for one in (AS_IT_IS, name)
            }
            columns = [
                compared(results[name], results[AS_IT_IS], people, splits)
                for splits in (SPLITS[:1], SPLITS[1:])
            ]
            print(f"{name:38} " + " | ".join(columns), flush=True)


def compared(results: list[Any], before: list[Any], people: FeatureSets, splits: Sequence[Split]) -> str:
    """Describe accuracy and its difference to that of another corpus, in some splits."""
    labels = np.concatenate([people.split(split)[1] for split in splits])
    speakers = [Path(clip).name.split("_")[0] for split in splits for clip in people.clips(split)]
    keyword = labels > UNKNOWN
    weights = np.where(keyword, 1, DatasetConfig().unknown_percent / 100 * keyword.sum() / (~keyword).sum())
    right, right_before = (
        weights * [np.concatenate([seed[split] for split in splits]) for seed in each]
        for each in (results, before)
    )
    by_speaker = np.unique(speakers, return_inverse=True)[1]
    gains = np.array([np.bincount(by_speaker, gain) for gain in right - right_before])  # (seeds, speakers)
    wholes = np.bincount(by_speaker, weights)
    rng = np.random.default_rng(1)
    drawn_seeds, drawn_speakers = (
        rng.multinomial(size, np.full(size, 1 / size), 2000) for size in gains.shape
    )
    drawn = (drawn_seeds * (drawn_speakers @ gains.T)).sum(1) / (drawn_speakers @ wholes) / len(gains)
    low, high = 100 * np.percentile(drawn, [2.5, 97.5])
    by_seed = 100 * right.sum(1) / weights.sum()
    return (
        f"{by_seed.mean():.1f} % ({by_seed.min():.1f} to {by_seed.max():.1f}) "
        f"{np.mean(100 * gains.sum(1) / wholes.sum()):+5.1f} [{low:+5.1f} {high:+5.1f}]"
    )


if __name__ == "__main__":
    main()

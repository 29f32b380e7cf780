"""Datasets on which a network trains in seconds, and networks as if they had been trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.data import wav
from models.data.front_ends import load_front_end

PITCHES_HZ = {"yes": 500, "no": 2000, "other": 5000}


def tone_dataset(root: Path, speakers: int = 60) -> Path:
    """Write a dataset in the Speech Commands layout; each speaker says each word once, as a tone."""
    draw = np.random.default_rng(1)
    time_s = np.arange(16_000) / 16_000
    for word, pitch_hz in PITCHES_HZ.items():
        (root / word).mkdir()
        for speaker in range(speakers):
            tone = np.sin(2 * np.pi * pitch_hz * draw.uniform(0.9, 1.1) * time_s) * np.hanning(16_000)
            wav.write_wav(root / word / f"{speaker:08x}_nohash_0.wav", (8000 * tone).astype(np.int16))
    (root / "_background_noise_").mkdir()
    noise = draw.normal(0, 500, 40_000).astype(np.int16)
    wav.write_wav(root / "_background_noise_" / "white.wav", noise)
    return root


LABELS = ("silence", "unknown", "yes", "no")


class SyntheticFeatures:
    """The part of `models.data.features.FeatureSets` that training uses, drawn from a seed.

    Args:
        clips: number of clips in each split.
        seed: of everything.
    """

    labels = LABELS
    front_end = load_front_end("micro")

    def __init__(self, clips: int = 256, seed: int = 1) -> None:
        self.clips, self.seed = clips, seed

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Draw features uint16 (clips, 49, 40), 0 to 670, and labels int64 (clips,)."""
        draw = np.random.default_rng([self.seed, len(name)])
        labels = draw.integers(0, len(LABELS), self.clips)
        features = draw.integers(0, 300, (self.clips, 49, 40))
        for clip, label in zip(features, labels, strict=True):
            clip[:, 10 * label : 10 * label + 10] += 370  # each label has its own band
        return features.astype(np.uint16), labels.astype(np.int64)


def as_if_trained(network):
    """Give a torch network the normalizations of a trained one, drawn from torch's generator."""
    from torch import nn  # here: other users of this module do without torch

    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    return network.eval()

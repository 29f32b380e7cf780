"""Datasets on which a network trains in seconds, and networks as if they had been trained."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from models.data import wav
from models.data.front_ends import load_front_end

PITCHES_HZ = {"yes": 500, "no": 2000, "other": 5000}


def tone_dataset(root: Path, speakers: int = 60, pitches_hz: Mapping[str, int] = PITCHES_HZ) -> Path:
    """Write a dataset in the Speech Commands layout; each speaker says each word once, as a tone."""
    draw = np.random.default_rng(1)
    time_s = np.arange(16_000) / 16_000
    for word, pitch_hz in pitches_hz.items():
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

    def values(self, features: np.ndarray) -> np.ndarray:
        """Convert features to float32 (N, 1960)."""
        return self.front_end.values(features).reshape(len(features), -1)


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


BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


class OldPickler(pickle._Pickler):
    """A pickler that writes bytes as Python 2 wrote texts, as in the published files."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_old_text(self, text):
        self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
        self.memoize(text)

    dispatch[bytes] = save_old_text


def pictures(batch, count=4):
    """Return the images and labels of a batch as rows of 3,072 pixels, all of red first."""
    draw = np.random.default_rng(BATCHES.index(batch))
    labels = draw.integers(0, 10, count)
    return draw.integers(0, 256, (count, 3072), np.uint8), labels


def cifar_10_pickles(root, count=4):
    """Write the Python version of CIFAR-10, with so many images in a batch."""
    root.mkdir(parents=True, exist_ok=True)
    for batch in BATCHES:
        rows, labels = pictures(batch, count)
        with (root / batch).open("wb") as stream:
            content = {b"batch_label": batch.encode(), b"labels": labels.tolist(), b"data": rows}
            OldPickler(stream, protocol=2).dump(content)
    return root


def cifar_10_binaries(root):
    """Write the binary version of CIFAR-10."""
    root.mkdir(parents=True, exist_ok=True)
    for batch in BATCHES:
        rows, labels = pictures(batch)
        records = np.hstack([labels[:, None].astype(np.uint8), rows])
        (root / f"{batch}.bin").write_bytes(records.tobytes())
    return root

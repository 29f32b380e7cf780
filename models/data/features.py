"""The micro front end's features: of a clip, as a model takes them, and of a whole dataset.

The oracle is TensorFlow's audio_microfrontend op with the parameters of the micro_speech family
(tensorflow/examples/speech_commands/models.py, "preprocess: micro").
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from tqdm import tqdm

from models.data import dataset, wav
from models.data.dataset import SPLITS, Clip, DatasetConfig, SpeechCommands, Split
from models.log_filter import quiet_tensorflow
from models.store import Store

WINDOW_SAMPLES, STRIDE_SAMPLES = 480, 320
"""30 ms every 20 ms, at 16 kHz."""
SLICES, CHANNELS = 49, 40
"""Of a second of audio."""
FLOAT_SCALE = 10 / 256
"""A u16 feature times this is the float feature: 0 to about 26."""

_CONTENTS = "contents.json"


def micro_features(audio: np.ndarray) -> np.ndarray:
    """The micro front end's features of one clip; its noise estimate starts afresh with every call.

    Args:
        audio: int16 (N,), 16 kHz, N >= 480.

    Returns:
        uint16 (slices, 40) with slices = (N - 480) // 320 + 1: 49 for a second.

    Raises:
        ValueError: the audio is not int16, not one channel, or shorter than a window.
    """
    if audio.dtype != np.int16 or audio.ndim != 1 or len(audio) < WINDOW_SAMPLES:
        raise ValueError(f"int16 (N >= {WINDOW_SAMPLES},) is needed, not {audio.dtype} {audio.shape}")
    tensorflow, front_end = _oracle()
    features = front_end(
        tensorflow.constant(audio),
        sample_rate=16_000,
        window_size=30,
        window_step=20,
        num_channels=CHANNELS,
        lower_band_limit=125.0,
        upper_band_limit=7500.0,
        smoothing_bits=10,
        even_smoothing=0.025,
        odd_smoothing=0.06,
        min_signal_remaining=0.05,
        enable_pcan=True,
        pcan_strength=0.95,
        pcan_offset=80.0,
        gain_bits=21,
        enable_log=True,
        scale_shift=6,
        out_scale=1,
        out_type=tensorflow.uint16,
    )
    return features.numpy()


def float_features(features: np.ndarray) -> np.ndarray:
    """What a float model takes: uint16 (..., 40) as float32 of the same shape, 0 to about 26, exact."""
    return features.astype(np.float32) * np.float32(FLOAT_SCALE)


def feature_divisor(scale: float) -> int:
    """The divisor that turns a u16 feature into an int8 input of this scale: 666 for the classic 26/256.

    q = float feature / scale = u16 * 10 / 256 / scale = u16 * 256 / (scale * 6553.6); rounded to an
    integer, so that host and board divide alike.

    Args:
        scale: the scale of the model's input tensor, > 0.
    """
    divisor = round(scale * 6553.6)
    if divisor < 1:
        raise ValueError(f"an input scale of {scale} is too small for micro features")
    return divisor


def quantize_features(features: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """What an int8 model takes: clamp((u16 * 256 + D // 2) // D + zero point, -128, 127).

    D is `feature_divisor(scale)`; `//` rounds down.

    Args:
        features: uint16 (..., 40).
        scale: of the model's input tensor.
        zero_point: of the model's input tensor, -128 to 127.

    Returns:
        int8 of the same shape.
    """
    divisor = feature_divisor(scale)
    quotient = (features.astype(np.int64) * 256 + divisor // 2) // divisor
    return np.clip(quotient + zero_point, -128, 127).astype(np.int8)


def feature_crc(features: np.ndarray) -> int:
    """CRC-32 (zlib) of uint16 features as little-endian bytes; the board computes the same over its own."""
    return zlib.crc32(features.astype("<u2").tobytes())


@cache
def _oracle() -> tuple[Any, Any]:
    """TensorFlow and the op; imported here because that takes seconds and most commands need neither."""
    quiet_tensorflow()
    import tensorflow
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    return tensorflow, audio_microfrontend_op.audio_microfrontend


@dataclass(frozen=True)
class FeatureSets:
    """A folder with the features, labels and names of the clips of each set."""

    path: Path

    def split(self, name: Split) -> tuple[np.ndarray, np.ndarray]:
        """One set, in a seeded order; the training set is `DatasetConfig.copies` times as long as its clips.

        Returns:
            Features, uint16 (N, 49, 40), read-only and mapped from the disk; labels, int64 (N,).
        """
        return np.load(self.path / f"{name}_features.npy", mmap_mode="r"), np.load(
            self.path / f"{name}_labels.npy"
        )

    def clips(self, name: Split) -> list[str]:
        """The names of the clips of a set in the order of `split`: a path below the root or "silence/<n>"."""
        return list(self._contents["clips"][name])

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels in the order of their indices."""
        return tuple(self._contents["labels"])

    @property
    def notes(self) -> dict[str, str]:
        """By file: what had to be converted to 16 kHz mono."""
        return dict(self._contents["notes"])

    @cached_property
    def _contents(self) -> dict:
        return json.loads((self.path / _CONTENTS).read_text())


def feature_sets(root: Path, config: DatasetConfig, store: Store, progress: bool = True) -> FeatureSets:
    """The features of a dataset's training, validation and test set, computed now unless they were before.

    Args:
        root: a folder in the Speech Commands layout.
        config: shares, augmentation, copies, seed.
        store: where they are kept.
        progress: whether to show a bar on stderr.

    Raises:
        DatasetError: the dataset lacks something, or a file of it is broken; the message names it.
    """
    source = SpeechCommands(root, config)
    path = store.build(
        "features", _inputs(source, store), lambda folder: _write(folder, source, progress), _code()
    )
    return FeatureSets(path)


def feature_path(root: Path, config: DatasetConfig, store: Store) -> Path:
    """Where the features of a dataset are or will be; nothing is computed.

    Raises:
        DatasetError: the dataset lacks something.
    """
    return store.path_of("features", _inputs(SpeechCommands(root, config), store), _code())


def _inputs(source: SpeechCommands, store: Store) -> dict[str, Any]:
    # A folder of the store is named by its content; any other is recognized by names, sizes and times.
    inside = source.root.resolve().is_relative_to(store.root.resolve())
    return {"dataset": source.root.name if inside else source.fingerprint(), "config": source.config}


def _code() -> list[ModuleType]:
    return [sys.modules[__name__], dataset, wav]


def _write(folder: Path, source: SpeechCommands, progress: bool) -> None:
    chosen: dict[Split, list[Clip]] = {}
    for split in SPLITS:
        copies = source.config.copies if split == "training" else 1
        chosen[split] = [clip for copy in range(copies) for clip in source.clips(split, copy)]
    total = sum(map(len, chosen.values()))
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=total, desc="features", unit=" clips", disable=not progress, leave=False) as bar,
    ):
        for split, clips in chosen.items():
            computed = np.empty((len(clips), SLICES, CHANNELS), np.uint16)
            for index, row in enumerate(pool.map(lambda clip: micro_features(source.render(clip)), clips)):
                computed[index] = row
                bar.update()
            np.save(folder / f"{split}_features.npy", computed)
            np.save(folder / f"{split}_labels.npy", np.array([clip.label for clip in clips], np.int64))
    contents = {
        "labels": source.config.labels,
        "clips": {name: [clip.key for clip in clips] for name, clips in chosen.items()},
        "notes": dict(sorted(source.notes.items())),
    }
    (folder / _CONTENTS).write_text(json.dumps(contents, indent=1))

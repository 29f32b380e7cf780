"""Features as models take them, and the cached features of a whole dataset."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from models import progress
from models.data import dataset, sound_folder, vocabulary, wav
from models.data.dataset import SPLITS, Clip, DatasetConfig, SpeechCommands, Split
from models.data.front_ends import FrontEnd, load_front_end
from models.data.front_ends import front_end as get_front_end
from models.data.front_ends.micro import CHANNELS, SLICES, STRIDE_SAMPLES, WINDOW_SAMPLES
from models.data.front_ends.micro import features as micro_features
from models.data.sound_folder import Excluded, reasons, warn_of
from models.data.vocabulary import UNKNOWN
from models.errors import DatasetError
from models.store import Store

__all__ = [
    "CHANNELS",
    "SLICES",
    "STRIDE_SAMPLES",
    "WINDOW_SAMPLES",
    "FeatureSets",
    "feature_crc",
    "feature_path",
    "feature_sets",
    "joined",
    "joined_path",
    "micro_features",
]

CONTENTS = "contents.json"


def feature_crc(features: np.ndarray) -> int:
    """Return the CRC-32 (zlib) of uint16 features as little-endian bytes; the board sends the same."""
    return zlib.crc32(features.astype("<u2").tobytes())


@dataclass(frozen=True)
class FeatureSets:
    """A folder with the features, labels and names of the clips of each split."""

    path: Path

    @property
    def front_end(self) -> FrontEnd:
        """The front end that made the features of sounds."""
        return load_front_end(self._contents["front_end"])

    def values(self, features: np.ndarray) -> np.ndarray:
        """Convert features to what a float network takes, float32 (N, size); exact.

        Pixels go from -1 to 1.
        """
        if self._contents["front_end"] is not None:
            return self.front_end.values(features).reshape(len(features), -1)
        return (features.reshape(len(features), -1).astype(np.float32) - 128) / 128

    def split(self, name: Split) -> tuple[np.ndarray, np.ndarray]:
        """Load one split in its seeded order; training has `SpeechCommands.copies` renderings of each clip.

        Returns:
            Features uint16 (N, 49, channels) or images uint8 (N, 3, 32, 32), read-only and mapped from the
            disk; labels int64 (N,).
        """
        return np.load(self.path / f"{name}_features.npy", mmap_mode="r"), np.load(
            self.path / f"{name}_labels.npy"
        )

    def clips(self, name: Split) -> list[str]:
        """Return the clips of a split in the order of `split`: a path below the root, or "silence/<n>"."""
        return list(self._contents["clips"][name])

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that have clips of wanted words."""
        return tuple(split for split in SPLITS if split in self._contents["clips"])

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in the order of their indices."""
        return tuple(self._contents["labels"])

    @property
    def excluded(self) -> list[Excluded]:
        """Files that are not used."""
        return [Excluded(**each) for each in self._contents["excluded"]]

    @cached_property
    def _contents(self) -> dict:
        return json.loads((self.path / CONTENTS).read_text())


def feature_sets(
    root: Path,
    config: DatasetConfig,
    store: Store,
    front_end: str = "micro",
    needed: Sequence[Split] = SPLITS,
) -> FeatureSets:
    """Return the features of a dataset's splits; they are computed if the store does not have them.

    A recording that cannot be read is left out with a warning; so is a sound that is there under two labels.

    Args:
        root: a folder in the Speech Commands layout.
        config: shares, augmentation, copies, seed.
        store: holds the features.
        front_end: one of `models.data.front_ends`.
        needed: splits that must have a recording of a wanted word; others are left out if they have none.

    Raises:
        DatasetError: the dataset lacks something.
        ConfigError: the front end does not exist.
    """
    source, module = SpeechCommands(root, config), get_front_end(front_end)
    for split in needed:
        source.clips(split)  # raises before anything is computed
    path = store.build(
        "features",
        _inputs(source, store),
        lambda folder: _write(folder, source, front_end),
        _code(module),
        title=f"features of {'the corpus' if _is_inside(source, store) else root.name}",
    )
    sets = FeatureSets(path)
    for split in needed:
        if split not in sets.splits:
            raise DatasetError(
                f"the {split} split has no usable recording of a wanted word{reasons(sets.excluded)}",
                str(root),
                "Replace the broken recordings, or add others.",
            )
    return sets


def feature_path(root: Path, config: DatasetConfig, store: Store, front_end: str = "micro") -> Path:
    """Return the folder of a dataset's features, whether it exists or not.

    Raises:
        DatasetError: the dataset lacks something.
    """
    inputs = _inputs(SpeechCommands(root, config), store)
    return store.path_of("features", inputs, _code(get_front_end(front_end)))


def joined(parts: Mapping[Split, Sequence[FeatureSets]], store: Store) -> FeatureSets:
    """Return feature sets of one vocabulary whose splits come from others.

    Args:
        parts: by split, the feature sets that it is taken from, one after the other.
        store: holds the features.
    """
    names = {split: [sets.path for sets in several] for split, several in parts.items()}

    def make(folder: Path) -> None:
        clips: dict[str, list[str]] = {}
        excluded = sorted({each for several in parts.values() for sets in several for each in sets.excluded})
        for split, several in parts.items():
            values, labels = zip(*(sets.split(split) for sets in several), strict=True)
            np.save(folder / f"{split}_features.npy", np.concatenate(values))
            np.save(folder / f"{split}_labels.npy", np.concatenate(labels))
            clips[split] = [clip for sets in several for clip in sets.clips(split)]
        first = parts["testing"][0]
        contents = {
            "labels": first.labels,
            "front_end": first.front_end.name,
            "clips": clips,
            "excluded": [asdict(each) for each in excluded],
        }
        (folder / CONTENTS).write_text(json.dumps(contents, indent=1))

    own = [sys.modules[__name__]]
    return FeatureSets(store.build("features", _joined(names), make, own, title="join the features"))


def joined_path(parts: Mapping[Split, Sequence[Path]], store: Store) -> Path:
    """Return the folder of `joined`, whether it exists or not."""
    return store.path_of("features", _joined(parts), [sys.modules[__name__]])


def _joined(parts: Mapping[Split, Sequence[Path]]) -> dict[str, Any]:
    # The folders of feature sets are named by their content.
    return {"joined": {split: [path.name for path in several] for split, several in parts.items()}}


def _inputs(source: SpeechCommands, store: Store) -> dict[str, Any]:
    # A folder of the store is named by its content; any other is recognized by names, sizes and times.
    name = source.root.name if _is_inside(source, store) else source.fingerprint()
    return {"dataset": name, "config": source.config}


def _is_inside(source: SpeechCommands, store: Store) -> bool:
    return source.root.resolve().is_relative_to(store.root.resolve())


def _code(front_end: ModuleType) -> list[ModuleType]:
    own = (sys.modules[__name__], dataset, sound_folder, vocabulary, wav)
    return [*own, front_end, *getattr(front_end, "CODE", ())]


def _write(folder: Path, source: SpeechCommands, front_end_name: str) -> None:
    front_end = load_front_end(front_end_name)
    chosen: dict[Split, list[Clip]] = {}
    for split in SPLITS:
        if source.has(split):
            copies = range(source.copies(split))
            chosen[split] = [clip for copy in copies for clip in source.clips(split, copy)]
    advance = progress.count(sum(map(len, chosen.values())), "clips")
    unusable: dict[str, Excluded] = {}

    source.noises  # noqa: B018, raises if none is usable; the clips would be blamed
    computed: dict[Split, np.ndarray] = {}
    for split, clips in chosen.items():
        computed[split] = np.zeros((len(clips), *front_end.shape), np.uint16)
        # In one thread: two take as long, and half as much processor time more, waiting for the interpreter.
        for row, clip in zip(computed[split], clips, strict=True):
            try:
                row[:] = front_end.features(source.render(clip))
            except DatasetError as problem:
                unusable[clip.key] = Excluded(clip.key, problem.what)
            advance()
    unusable |= source.contradictions(clip for clips in chosen.values() for clip in clips)
    kept: dict[Split, list[Clip]] = {}
    for split, clips in chosen.items():
        used = np.array([clip.key not in unusable for clip in clips])
        clips = [clip for clip in clips if clip.key not in unusable]
        if any(clip.label > UNKNOWN for clip in clips):
            kept[split] = clips
            np.save(folder / f"{split}_features.npy", computed[split][used])
            np.save(folder / f"{split}_labels.npy", np.array([clip.label for clip in clips], np.int64))
    excluded = sorted([*source.excluded, *unusable.values()])
    warn_of(excluded, source.root)
    contents = {
        "labels": source.config.labels,
        "front_end": front_end_name,
        "clips": {split: [clip.key for clip in clips] for split, clips in kept.items()},
        "excluded": [asdict(each) for each in excluded],
    }
    (folder / CONTENTS).write_text(json.dumps(contents, indent=1))

"""Images of 32 x 32 pixels with their labels: CIFAR-10, or without it scikit-learn's digits."""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from models.data import features
from models.data.dataset import Split
from models.data.features import CONTENTS, FeatureSets
from models.errors import DatasetError, wrong_download
from models.store import Store, sha256_of

SHAPE = (3, 32, 32)
"""Colors, rows and columns."""

CIFAR_10 = "CIFAR-10"
DIGITS = "scikit-learn's digits, enlarged to 32 x 32"
_CIFAR_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TRAINING, _TESTING = tuple(f"data_batch_{n}" for n in range(1, 6)), ("test_batch",)
_LAYOUTS = (("cifar-10-batches-py", ""), ("cifar-10-batches-bin", ".bin"))
"""Folder and suffix of the files in the published archives."""
_VALIDATION, _DIGITS_TESTING = 0.1, 0.2  # shares
_DIGITS_SEED = 1
_LARGEST_BATCH_BYTES = 100_000_000  # a published batch has 31 MB

_Labeled = tuple[np.ndarray, np.ndarray]


def image_sets(root: Path | None, store: Store) -> FeatureSets:
    """Return the images of each split as features, uint8 (N, 3, 32, 32); they are made once.

    A tenth of the training images, drawn at random, is for validation.

    Args:
        root: a folder with the unpacked files of CIFAR-10, in Python's or the binary version; or the folder
            above. None for scikit-learn's digits.
        store: holds the result.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    return FeatureSets(
        store.build(
            "features",
            _inputs(root),
            lambda folder: _write(folder, root),
            [sys.modules[__name__], features],
        )
    )


def _inputs(root: Path | None) -> dict[str, Any]:
    if root is None:
        return {"images": DIGITS, "packages": {"scikit-learn": version("scikit-learn")}}
    return {"images": CIFAR_10, "files": [sha256_of(file) for file in _files(root)]}


def _write(folder: Path, root: Path | None) -> None:
    training, testing, labels = _digits() if root is None else _cifar_10(root)
    order = np.random.default_rng(_DIGITS_SEED).permutation(len(training[1]))
    count = round(_VALIDATION * len(order))
    parts: dict[Split, _Labeled] = {
        "training": (training[0][order[count:]], training[1][order[count:]]),
        "validation": (training[0][order[:count]], training[1][order[:count]]),
        "testing": testing,
    }
    for split, (images, right) in parts.items():
        np.save(folder / f"{split}_features.npy", images)
        np.save(folder / f"{split}_labels.npy", right.astype(np.int64))
    clips: dict[Split, list[str]] = {split: [] for split in parts}
    contents: dict[str, Any] = {"labels": labels, "front_end": None, "clips": clips, "excluded": []}
    (folder / CONTENTS).write_text(json.dumps(contents, indent=1))


def _digits() -> tuple[_Labeled, _Labeled, tuple[str, ...]]:
    """Return the 1,797 handwritten digits of 8 x 8 pixels, each pixel 4 x 4 times in three equal colors."""
    from sklearn.datasets import load_digits

    found = load_digits()
    gray = np.round(found.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(gray.repeat(4, 1).repeat(4, 2)[:, None], SHAPE[0], 1)
    order = np.random.default_rng(_DIGITS_SEED).permutation(len(images))
    count = round(_DIGITS_TESTING * len(order))
    training, testing = order[count:], order[:count]
    return (
        (images[training], found.target[training]),
        (images[testing], found.target[testing]),
        tuple(map(str, range(10))),
    )


def _cifar_10(root: Path) -> tuple[_Labeled, _Labeled, tuple[str, ...]]:
    batches = [_batch(file) for file in _files(root)]
    images, right = (np.concatenate(column) for column in zip(*batches[:-1], strict=True))
    return (images, right), batches[-1], _CIFAR_LABELS


def _files(root: Path) -> list[Path]:
    """Return the files of CIFAR-10, the test set last."""
    for name, suffix in _LAYOUTS:
        for folder in (root, root / name):
            files = [folder / f"{batch}{suffix}" for batch in (*_TRAINING, *_TESTING)]
            missing = [file.name for file in files if not file.is_file()]
            if not missing:
                return files
            if len(missing) < len(files):
                raise DatasetError(
                    f"CIFAR-10 is not complete: {missing[0]} is missing",
                    str(folder),
                    "Unpack the published archive again.",
                )
    raise DatasetError(
        "there is no CIFAR-10" if root.is_dir() else "the dataset's folder does not exist",
        str(root),
        "Give the folder of data_batch_1 to data_batch_5 and test_batch, or leave --dataset out.",
    )


def _batch(file: Path) -> _Labeled:
    """Read images uint8 (N, 3, 32, 32) and labels of a file.

    Raises:
        DatasetError: it is not one of CIFAR-10.
    """
    if wrong := wrong_download(file, DatasetError):
        raise wrong
    try:
        if file.stat().st_size > _LARGEST_BATCH_BYTES:
            raise ValueError(f"it is larger than {_LARGEST_BATCH_BYTES / 1e6:.0f} MB")
        content = file.read_bytes()
        images, labels = _of_binary(content) if file.suffix else _of_pickle(content)
        images = images.reshape(-1, *SHAPE)
        if not len(images) or labels.shape != (len(images),) or labels.dtype.kind not in "iu":
            raise ValueError(f"it has {len(images)} images and labels of shape {labels.shape}")
        if not ((labels >= 0) & (labels < len(_CIFAR_LABELS))).all():
            raise ValueError("a label is not from 0 to 9")
    except Exception as problem:  # unpickling a damaged file raises anything
        raise DatasetError(
            f"this is no file of CIFAR-10: {problem or type(problem).__name__}",
            str(file),
            "Unpack the published archive again.",
        ) from problem
    return images, labels


def _of_binary(content: bytes) -> _Labeled:
    """Split records of a label and 3,072 pixels, all of one color after another."""
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + np.prod(SHAPE))
    return records[:, 1:], records[:, 0]


@dataclass
class _Array:
    """The bytes of a pickled NumPy array, of which nothing is executed."""

    data: bytes = b""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.data = state[4]


class _Inert:
    """An object in place of one that a pickle would create."""

    def __init__(self, *_arguments: object) -> None: ...
    def __setstate__(self, _state: object) -> None: ...


class _Unpickler(pickle.Unpickler):
    """An unpickler that creates texts, numbers, lists, dictionaries and `_Array`, and nothing else.

    A pickle from elsewhere can otherwise run any program.
    """

    _KNOWN: Mapping[tuple[str, str], Any] = {
        ("numpy.core.multiarray", "_reconstruct"): lambda *_: _Array(),
        ("numpy", "ndarray"): _Inert,
        ("numpy", "dtype"): _Inert,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self._KNOWN[module, name]


def _of_pickle(content: bytes) -> _Labeled:
    batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    return np.frombuffer(batch[b"data"].data, np.uint8), np.array(batch[b"labels"])

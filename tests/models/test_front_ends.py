"""Front ends by file name."""

from __future__ import annotations

import json
import sys

import pytest

from models.data import front_ends
from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.data.front_ends import front_end, front_end_names
from models.errors import ConfigError
from models.pipeline import evaluate, train
from models.store import Store
from models.variants import load_family

LOUDNESS = """
import numpy as np

SHAPE = (49, 40)
LIBRARY = "LoudnessFrontEnd"


def features(audio):
    parts = np.abs(audio[: 49 * 320].astype(np.int64)).reshape(49, 40, 8)
    return parts.mean(2).astype(np.uint16) // 16
"""

VARIANT = """
id = "loud"
title = "TinyConv on loudness"
network = "tinyconv"
precision = "float32"
front_end = "loudness"

[training]
epochs = 1

[pruning]
kind = "weights"
threshold = 0.5
fine_tune_epochs = 0
"""


@pytest.fixture
def loudness(tmp_path, monkeypatch):
    """A folder with a second front end, known as "loudness"."""
    folder = tmp_path / "front_ends"
    folder.mkdir()
    (folder / "loudness.py").write_text(LOUDNESS)
    monkeypatch.setattr(front_ends, "__path__", [*front_ends.__path__, str(folder)])
    yield folder
    sys.modules.pop("models.data.front_ends.loudness", None)


def test_a_front_end_and_a_variant_are_one_file_each(loudness, tmp_path, dataset):
    (tmp_path / "loud.toml").write_text(VARIANT)
    (variant,), _ = load_family(tmp_path)
    store = Store(tmp_path / "store")
    facts = evaluate(variant, dataset, store)
    assert sum(count["total"] for count in facts["accuracy"]["testing"]) > 0
    manifest = json.loads((train(variant, dataset, store) / "inputs.json").read_text())
    loud = feature_sets(dataset, DatasetConfig(), store, front_end="loudness")
    assert manifest["inputs"]["features"] == loud.path.name
    assert loud.split("testing")[0].shape[1:] == (49, 40)


def test_features_of_another_shape_are_refused(loudness, tmp_path, dataset):
    (loudness / "loudness.py").write_text(LOUDNESS.replace("(49, 40)", "(50, 40)"))
    with pytest.raises(ConfigError, match="The networks take 49 slices of 40 channels"):
        feature_sets(dataset, DatasetConfig(), Store(tmp_path / "store"), front_end="loudness")


def test_an_unknown_front_end_is_refused():
    assert front_end_names() == ["mfcc", "micro"]
    with pytest.raises(ConfigError, match=r"'mel' is not a front end.*Allowed: mfcc or micro"):
        front_end("mel")

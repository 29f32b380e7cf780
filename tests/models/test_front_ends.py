"""Front ends by file name."""

from __future__ import annotations

import json
import sys
from math import prod

import numpy as np
import pytest
from small_datasets import tone_dataset

from models.data import front_ends
from models.data.front_ends import front_end, front_end_names, load_front_end
from models.errors import ConfigError
from models.pipeline import evaluate, features_of, prepare, train
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


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Features of another front end are computed for each test: fewer clips do."""
    return tone_dataset(tmp_path_factory.mktemp("dataset"), speakers=20)


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
    loud = features_of(variant, dataset, store)
    assert manifest["inputs"]["features"] == loud.path.name
    assert loud.split("testing")[0].shape[1:] == (49, 40)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "network"), [("mfcc", "ds-cnn"), ("log_mel", "tinyconv")])
def test_a_variant_of_another_front_end_becomes_a_model_for_the_boards(name, network, tmp_path, dataset):
    text = VARIANT.replace('"loudness"', f'"{name}"').replace("tinyconv", network).replace("float32", "int8")
    (tmp_path / "loud.toml").write_text(text)
    (variant,), _ = load_family(tmp_path)
    model = prepare(variant, dataset, Store(tmp_path / "store"))
    shape = load_front_end(name).shape
    assert model.input is not None and prod(model.input["shape"]) == prod(shape)
    assert (model.front_end, np.load(model.clips)["features"].shape[1:]) == (name, shape)
    assert sum(count["correct"] for count in model.accuracy["testing"]) > 0


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("def features(", "cannot be imported: SyntaxError"),
        ("import nowhere", "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        (LOUDNESS.replace("LIBRARY", "LIB"), "defines no LIBRARY"),
        (
            LOUDNESS.replace(".astype(np.uint16) // 16", ""),
            r"makes float64 \(49, 40\), not uint16",
        ),
        (LOUDNESS.replace("uint16", "int16"), r"makes int16 \(49, 40\), not uint16"),
        (LOUDNESS.replace("// 16", "// 16)[0]").replace("return ", "return ("), r"makes uint16 \(40,\), not"),
    ],
)
def test_a_wrong_front_end_is_refused_in_one_line(loudness, tmp_path, dataset, module, what):
    (loudness / "loudness.py").write_text(module)
    (tmp_path / "loud.toml").write_text(VARIANT)
    (variant,), _ = load_family(tmp_path)
    with pytest.raises(ConfigError, match=f"the front end {what}"):
        features_of(variant, dataset, Store(tmp_path / "store"))


def test_an_unknown_front_end_is_refused():
    assert front_end_names() == ["log_mel", "mfcc", "micro"]
    with pytest.raises(ConfigError, match=r"'mel' is not a front end.*Allowed: log_mel or mfcc or micro"):
        front_end("mel")

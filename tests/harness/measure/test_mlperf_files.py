"""The benchmark's input files: read, made of a dataset, and refused."""

from __future__ import annotations

import numpy as np
import pytest
from small_datasets import tone_dataset

from harness.errors import UsageError
from harness.measure.mlperf_files import make_files, read_files
from models.data.dataset import DatasetConfig
from models.data.features import feature_sets
from models.model_artifact import ModelArtifact
from models.store import Store

SCALE, ZERO_POINT = 0.5847029, 83
MODEL = ModelArtifact(
    "kws",
    "kws",
    "int8",
    ("no", "yes", "silence", "unknown"),
    front_end="mfcc",
    input={"shape": [1, 49, 10, 1], "dtype": "int8", "scale": SCALE, "zero_point": ZERO_POINT},
)


@pytest.fixture
def published(tmp_path):
    """A folder as the benchmark's own script writes it."""
    for name, value in (("tst_000000_Yes_1.bin", 1), ("tst_000001_Silence_2.bin", 2)):
        (tmp_path / name).write_bytes(bytes([value]) * 490)
    (tmp_path / "y_labels.csv").write_text("tst_000000_Yes_1.bin, 4, 1\ntst_000001_Silence_2.bin, 4, 2\n")
    return tmp_path


def test_a_published_folder_is_read_in_its_order(published):
    found = read_files(published, MODEL)
    assert [(file.name, file.tensor[0], file.label) for file in found] == [
        ("tst_000000_Yes_1.bin", 1, 1),
        ("tst_000001_Silence_2.bin", 2, 2),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("absent.bin, 4, 1\n", "absent.bin cannot be read .*row 1"),
        ("tst_000000_Yes_1.bin, 4\n", "is no row.*row 1"),
        ("tst_000000_Yes_1.bin, 4, one\n", "is no row"),
        ("tst_000000_Yes_1.bin, 12, 1\n", "class 1 of 12 is none of the model's 4 outputs"),
        ("tst_000000_Yes_1.bin, 4, 4\n", "class 4 of 4 is none"),
        (
            "tst_000000_Yes_1.bin, 4, 1\nshort.bin, 4, 1\n",
            "short.bin has 489 bytes; the model takes 490.*row 2",
        ),
        ("\n", "names no file"),
    ],
)
def test_a_folder_that_does_not_suit_the_model_is_refused(published, rows, message):
    (published / "short.bin").write_bytes(bytes(489))
    (published / "y_labels.csv").write_text(rows)
    with pytest.raises(UsageError, match=message):
        read_files(published, MODEL)


def test_a_folder_without_the_list_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"No such file.*y_labels\.csv"):
        read_files(tmp_path, MODEL)


def test_files_made_of_a_dataset_are_read_back_and_hold_the_reference_s_quantization(tmp_path):
    (tmp_path / "data").mkdir()
    dataset, store = tone_dataset(tmp_path / "data"), Store(tmp_path / "store")
    made = make_files(dataset, MODEL, store, tmp_path / "kws01")
    assert read_files(tmp_path / "kws01", MODEL) == made
    features = feature_sets(dataset, DatasetConfig.of(["no", "yes"]), store, "mfcc", ["testing"])
    clips, labels = features.split("testing")
    values = (clips[0].astype(float) - 32768) / 256
    # As numpy casts in the benchmark's script: towards zero.
    expected = np.array(values / SCALE + ZERO_POINT, np.int8)
    np.testing.assert_array_equal(np.frombuffer(made[0].tensor, np.int8).reshape(49, 10), expected)
    assert [MODEL.labels[file.label] for file in made] == [features.labels[label] for label in labels]

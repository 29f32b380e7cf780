"""Images with labels: scikit-learn's digits, and the published layouts of CIFAR-10."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from small_datasets import cifar_10_binaries, cifar_10_pickles, pictures

from models.data import images
from models.data.images import image_sets
from models.errors import LFS_POINTER, DatasetError
from models.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def cifar(tmp_path):
    return cifar_10_pickles(tmp_path / "cifar")


def test_digits_are_enlarged_and_divided_once(store):
    sets = image_sets(None, store)
    parts = {name: sets.split(name) for name in sets.splits}
    assert {name: len(right) for name, (_, right) in parts.items()} == {
        "training": 1294,
        "validation": 144,
        "testing": 359,
    }
    assert sets.labels == tuple("0123456789")
    found = np.concatenate([values for values, _ in parts.values()])
    assert found.shape == (1797, 3, 32, 32) and found.dtype == np.uint8
    assert len(np.unique(found.reshape(1797, -1), axis=0)) == 1797  # each digit is in one split
    assert (found == found[:, :1, ::4, ::4].repeat(3, 1).repeat(4, 2).repeat(4, 3)).all()
    assert found.max() == 255
    assert np.bincount(parts["testing"][1]).min() > 25


def test_pixels_become_values_around_zero(store):
    values = image_sets(None, store).values(np.array([[[[0, 128, 192]]]], np.uint8))
    assert values.tolist() == [[-1.0, 0.0, 0.5]] and values.dtype == np.float32


def test_pickles_of_cifar_10_keep_the_published_test_set(cifar, store):
    sets = image_sets(cifar, store)
    values, right = sets.split("testing")
    rows, labels = pictures("test_batch")
    assert values.tolist() == rows.reshape(-1, 3, 32, 32).tolist()
    assert right.tolist() == labels.tolist()
    assert sets.labels[:2] == ("airplane", "automobile")
    assert [len(sets.split(name)[1]) for name in ("training", "validation")] == [18, 2]


def test_binary_version_holds_the_same_images(cifar, store, tmp_path):
    folder = tmp_path / "above" / "cifar-10-batches-bin"
    cifar_10_binaries(folder)
    binary, pickled = image_sets(folder.parent, store), image_sets(cifar, store)
    for split in binary.splits:
        for first, second in zip(binary.split(split), pickled.split(split), strict=True):
            assert np.array_equal(first, second)


class Intruder:
    """An object that runs a command when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def test_a_pickle_cannot_run_a_program(cifar, store, tmp_path):
    (cifar / "data_batch_3").write_bytes(pickle.dumps(Intruder(tmp_path / "run"), protocol=2))
    with pytest.raises(
        DatasetError, match=r"no file of CIFAR-10: it asks for (posix|nt)\.system \(.*data_batch_3"
    ):
        image_sets(cifar, store)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "this is no file of CIFAR-10"),
        (b"some text", "this is no file of CIFAR-10"),
        (pickle.dumps([1, 2], protocol=2), "this is no file of CIFAR-10"),
        (LFS_POINTER, "git lfs pull"),
    ],
)
def test_a_damaged_file_is_named(cifar, store, content, reason):
    (cifar / "test_batch").write_bytes(content)
    with pytest.raises(DatasetError, match=reason) as raised:
        image_sets(cifar, store)
    assert "test_batch" in str(raised.value)
    assert not list((store.root / "features").glob("????????????????"))


def test_a_label_beyond_the_ten_is_refused(tmp_path, store):
    cifar_10_binaries(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes([10] * 3073))
    with pytest.raises(DatasetError, match="a label is not from 0 to 9"):
        image_sets(tmp_path, store)


def test_a_cut_off_file_is_refused(tmp_path, store):
    cifar_10_binaries(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(bytes(3000))
    with pytest.raises(DatasetError, match=r"test_batch\.bin"):
        image_sets(tmp_path, store)


def test_a_file_that_would_fill_the_memory_is_not_read(cifar, store, monkeypatch):
    monkeypatch.setattr(images, "_LARGEST_BATCH_BYTES", 1000)
    with pytest.raises(DatasetError, match="larger than"):
        image_sets(cifar, store)


@pytest.mark.parametrize(
    ("present", "message"),
    [
        (("data_batch_1", "data_batch_2"), "not complete: data_batch_3 is missing"),
        ((), "there is no CIFAR-10"),
    ],
)
def test_missing_files_are_named(tmp_path, store, present, message):
    for name in present:
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=message):
        image_sets(tmp_path, store)


def test_a_missing_folder_is_named(tmp_path, store):
    with pytest.raises(DatasetError, match="the dataset's folder does not exist"):
        image_sets(tmp_path / "nothing", store)

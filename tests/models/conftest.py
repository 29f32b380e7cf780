"""Shared by the tests of the pipeline: a small dataset, and a store per module."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_datasets import tone_dataset

from models.store import Store


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    return tone_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))

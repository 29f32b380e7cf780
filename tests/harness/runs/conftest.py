"""A store for the tests of runs, so that they neither find nor leave anything in the usual one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.store import Store


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", autouse=True)
def _home(store) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_HOME", str(store.root))
        yield

"""For the tests of runs: a store, so that they use nothing of the usual one, and short timing of the host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from short_timing import short_host_timing

from models.store import Store


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", autouse=True)
def _home(store) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_HOME", str(store.root))
        yield


@pytest.fixture(scope="module", autouse=True)
def _short_timing() -> Iterator[None]:
    with short_host_timing():
        yield

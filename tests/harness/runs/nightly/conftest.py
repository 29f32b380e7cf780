"""Small benches whose checkout is always clean, whatever the one that the tests run in is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_nights import SmallBench

from harness.records import provenance
from models.store import Store

COMMIT = "c" * 40


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Iterator[Store]:
    """A store of their own, so that these tests neither find nor leave anything in the usual one."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_HOME", str(folder))
        yield Store(folder)


@pytest.fixture
def code(monkeypatch) -> dict[str, object]:
    """What the records say of the code; may be changed."""
    told = {**provenance.code(), "commit": COMMIT, "dirty": False}
    monkeypatch.setattr(provenance, "code", lambda: dict(told))
    return told


@pytest.fixture
def bench(store, code, tmp_path) -> SmallBench:
    return SmallBench(tmp_path / "bench", store)

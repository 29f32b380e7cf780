"""A store for the tests of runs, so that they neither find nor leave anything in the usual one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.store import Store


@pytest.fixture(scope="package")
def store(tmp_path_factory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_HOME", str(folder))
        yield Store(folder)

"""A small bench whose checkout is always clean."""

from __future__ import annotations

import pytest
from small_nights import SmallBench

from harness.records import provenance

COMMIT = "c" * 40


@pytest.fixture
def code(monkeypatch) -> dict[str, object]:
    """The code in the records; may be changed."""
    found = {**provenance.code(), "commit": COMMIT, "dirty": False}
    monkeypatch.setattr(provenance, "code", lambda: dict(found))
    return found


@pytest.fixture
def bench(store, code, tmp_path, monkeypatch) -> SmallBench:
    monkeypatch.setattr("harness.runs.run.time_host", lambda *_: [])
    return SmallBench(tmp_path / "bench", store)

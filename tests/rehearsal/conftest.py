"""The rehearsal bench as fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pulse import null_sink
from rehearsal.bench import RehearsalBench, rehearsal_bench


@pytest.fixture(scope="session")
def rehearsal_home(tmp_path_factory, worker_id) -> Path:
    """The store of all rehearsals of this test run: an image is compiled once."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / "rehearsal"


@pytest.fixture
def quiet_bench(rehearsal_home) -> Iterator[RehearsalBench]:
    """A bench without a speaker."""
    with rehearsal_bench(rehearsal_home) as bench:
        yield bench


@pytest.fixture
def bench(rehearsal_home) -> Iterator[RehearsalBench]:
    """A bench with a speaker, whose sound the board hears."""
    with null_sink() as sink, rehearsal_bench(rehearsal_home, sink) as made:
        yield made

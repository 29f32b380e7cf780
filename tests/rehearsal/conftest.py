"""The rehearsal bench as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pulse import null_sink
from rehearsal.bench import RehearsalBench, rehearsal_bench

from harness.runs.selection import Selection


@pytest.fixture(scope="session")
def trained() -> None:
    """Train the model: no time limit of a test has to include it."""
    for _ in Selection(pattern="tinyconv-int8").models():
        pass


@pytest.fixture
def quiet_bench() -> Iterator[RehearsalBench]:
    """A bench without a speaker."""
    with rehearsal_bench() as bench:
        yield bench


@pytest.fixture
def bench() -> Iterator[RehearsalBench]:
    """A bench with a speaker, whose sound the board hears."""
    with null_sink() as sink, rehearsal_bench(sink) as made:
        yield made

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pulse import NullSink, null_sink


@pytest.fixture(scope="session")
def sink() -> Iterator[NullSink]:
    with null_sink() as running:
        yield running

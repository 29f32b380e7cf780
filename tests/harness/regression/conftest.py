from __future__ import annotations

import pytest
from made_nights import accepted, quiet_nights


@pytest.fixture(scope="module")
def nights():
    return quiet_nights()


@pytest.fixture(scope="module")
def baseline(nights):
    return accepted(nights)

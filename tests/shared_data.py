"""Optional models and recordings beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str) -> Path:
    """Return a file of ../shared/data; skip the test if it does not exist."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not there: ../shared/data holds models and recordings from elsewhere")
    return path

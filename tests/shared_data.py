"""Models and recordings from elsewhere that tests use where they lie beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The path of a file of ../shared/data; skips the test, with the reason, where it is not there."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not there: ../shared/data holds models and recordings from elsewhere")
    return path

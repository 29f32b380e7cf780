"""What a real arduino-cli 1.5.1 answered, beside the checkout, and the keys of an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared_data import shared_data

_FOLDER = "arduino_cli_1.5.1"


def folder() -> Path:
    """Return the folder of the answers; skip the test if it is not there."""
    return shared_data(f"{_FOLDER}/version.rc").parent


def real(name: str) -> dict[str, Any]:
    """Return an answer as a step of the stand-in."""
    texts = {suffix: shared_data(f"{_FOLDER}/{name}.{suffix}").read_text() for suffix in ("out", "err", "rc")}
    return {"stdout": texts["out"], "stderr": texts["err"], "status": int(texts["rc"])}


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of all keys of an answer, with the types of their values; a version is any key."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from keys(item, f"{path}.{'*' if name[0].isdigit() else name}")
    elif isinstance(value, list):
        for item in value:
            yield from keys(item, f"{path}[]")
    yield f"{path}: {type(value).__name__}"

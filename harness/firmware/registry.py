"""The engines there are: adding one is its class and one line here."""

from __future__ import annotations

from harness.errors import UsageError
from harness.firmware.engine import Engine
from harness.firmware.static import StaticEngine

ENGINES: dict[str, Engine] = {
    "static": StaticEngine(),
}
"""Engines by the name that `--engine` takes."""


def get_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}", remedy=f"Choose one of: {', '.join(ENGINES)}.")
    return ENGINES[name]

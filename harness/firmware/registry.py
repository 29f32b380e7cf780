"""The engines there are: adding one is its class and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.firmware.codegen import CodegenEngine
from harness.firmware.codegen_sparse import CodegenSparseEngine
from harness.firmware.engine import Engine
from harness.firmware.tflm import TflmEngine

ENGINES: dict[str, Callable[[tuple[Path, ...], tuple[str, ...]], Engine]] = {
    "codegen": lambda folders, pins: CodegenEngine(),
    "codegen-sparse": lambda folders, pins: CodegenSparseEngine(),
    "tflm": TflmEngine,
}
"""Engines by the name that `--engine` takes; made from folders of Arduino libraries, and pins."""


def get_engine(name: str, library_folders: Iterable[Path] = (), pins: Iterable[str] = ()) -> Engine:
    """The engine of that name.

    Args:
        name: see `ENGINES`.
        library_folders: where installed Arduino libraries lie, for an engine that uses one.
        pins: "name@version" of libraries that have to be of that version.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}", remedy=f"Choose one of: {', '.join(ENGINES)}.")
    return ENGINES[name](tuple(library_folders), tuple(pins))

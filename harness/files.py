"""Records written so that a file under its final name is always whole."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomic(text: str, path: Path) -> None:
    """Writes a file under a temporary name beside it and renames it, with what lies above it.

    Args:
        text: the whole content; written as UTF-8.
        path: of the file. One that is there is replaced only when the new one is on the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with scratch.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)

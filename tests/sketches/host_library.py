"""The sketch's C++ compiled for the host and loaded: each set of sources once for a machine."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from harness.layout import SKETCHES

LIBRARIES = SKETCHES / "libraries"
BOARD_FLAGS = ("-O2", "-std=gnu++17", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti")
_HOST_FLAGS = (
    "-funsigned-char",
    "-g",
    "-fsanitize=undefined",
    "-fno-sanitize-recover=undefined",
    "-shared",
    "-fPIC",
)


@cache
def host_library(glue: Path, folder: Path) -> ctypes.CDLL:
    """Compiles `glue` (extern "C" functions for a test) with a folder's sources, and loads the result.

    What needs the Arduino API is left out.

    Args:
        glue: a C++ file of the test, which includes headers relative to `folder`.
        folder: a library's src/, or a staged sketch.
    """
    sources = [
        glue,
        *(path for path in sorted(folder.rglob("*.cpp")) if "<Arduino.h>" not in path.read_text()),
    ]
    flags = (*BOARD_FLAGS, *_HOST_FLAGS)
    digest = hashlib.sha256(" ".join(flags).encode())
    for path in [*sources, *sorted(folder.rglob("*.h"))]:
        digest.update(path.name.encode() + path.read_bytes())
    cached = Path(tempfile.gettempdir()) / f"earshot-tests-{os.getuid()}" / f"{digest.hexdigest()[:16]}.so"
    if not cached.exists():
        cached.parent.mkdir(mode=0o700, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=cached.parent)
        os.close(handle)
        command = ["g++", *flags, f"-I{folder}", *map(str, sources), "-o", scratch]
        subprocess.run(command, check=True)
        Path(scratch).replace(cached)  # whole or not there, whoever else compiles it now
    return ctypes.CDLL(str(cached))

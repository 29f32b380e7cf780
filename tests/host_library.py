"""C++ compiled for the host and loaded; every set of sources is compiled once per machine."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from harness.firmware.arduino_platform import CORE
from harness.layout import SKETCHES
from models.store import Store

CACHE = Path(tempfile.gettempdir()) / f"earshot-tests-{os.getuid()}"
STORE = Store(CACHE / "store")
"""For artifacts of the real tools that no test changes: images, the cycle model."""

LIBRARIES = SKETCHES / "libraries"
_FLAGS = ("-O2", "-std=gnu++17", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti")
_CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16")
_SANITIZER = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")
_HOST_FLAGS = (*_FLAGS, *_SANITIZER, "-funsigned-char", "-shared", "-fPIC")

MBED_FLAGS = ("-std=gnu++14", "-Os", "-Wvla", "-funsigned-char", "-fno-delete-null-pointer-checks")
"""Flags of ArduinoCore-mbed, variants/ARDUINO_NANO33BLE/cxxflags.txt, that differ from ours."""
EMULATED_FLAGS = (f"-I{CORE}", "-DARDUINO_EARSHOT_EMULATED", "-DF_CPU=64000000L")


def compile_for_board(*arguments: str | Path) -> None:
    """Run the boards' compiler for their processor; every warning is an error."""
    command = ["arm-none-eabi-g++", *_CORTEX_M4, *_FLAGS, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def symbols_of(file: Path, *options: str) -> list[str]:
    """Return the words that nm prints about an object file or an image for the board."""
    command = ["arm-none-eabi-nm", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def load_library(sources: Sequence[Path], headers: Iterable[Path], include: Path) -> ctypes.CDLL:
    """Compile C++ sources with the boards' warnings and the host's sanitizer, and load the result.

    Args:
        sources: the files to compile.
        headers: further files that decide whether a cached library is current.
        include: the folder of relative includes.
    """
    digest = hashlib.sha256(" ".join(_HOST_FLAGS).encode())
    for path in [*sources, *headers]:
        digest.update(path.name.encode() + path.read_bytes())
    library = CACHE / f"{digest.hexdigest()[:16]}.so"
    if not library.exists():
        library.parent.mkdir(mode=0o700, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=library.parent)
        os.close(handle)
        command = ["g++", *_HOST_FLAGS, f"-I{include}", *map(str, sources), "-o", scratch]
        subprocess.run(command, check=True)
        Path(scratch).replace(library)  # atomic: another process may compile it at the same time
    return ctypes.CDLL(str(library))


@cache
def host_library(glue: Path, folder: Path) -> ctypes.CDLL:
    """Compile a folder's sources, except those that need the Arduino API, with a test's C functions.

    Args:
        glue: a C++ file of the test with extern "C" functions and includes relative to `folder`.
        folder: a library's src/, or a staged sketch.
    """
    sources = [path for path in sorted(folder.rglob("*.cpp")) if "<Arduino.h>" not in path.read_text()]
    return load_library([glue, *sources], sorted(folder.rglob("*.h")), folder)

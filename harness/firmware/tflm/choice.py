"""The choice of a copy of TensorFlow Lite for Microcontrollers: named by a variable, or installed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from harness.arduino_cli.cli import ArduinoCli
from harness.errors import BuildFailed
from harness.firmware.arduino_library import PROPERTIES, ArduinoLibrary, read_library
from models.decoding import user_path

VARIABLE = "EARSHOT_TFLM"
NAMES = ("Arduino_TensorFlowLite", "Chirale_TensorFlowLite", "Harvard_TinyMLx")
"""Libraries with TensorFlow Lite Micro, the preferred one first, in any case: the second one is
Chirale_TensorFLowLite in its library.properties, but not in the library index."""

_PLAIN = {  # kernels, name and version together fit kMaxTextBytes of record.h
    "name": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,23}"),
    "version": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,14}"),
}
_CHECKOUT = f"set {VARIABLE} to a checkout of tensorflow/tflite-micro-arduino-examples."
_INSTALL = f'Install one with `arduino-cli lib install "Chirale_TensorFlowLite"`, or {_CHECKOUT}'


def choose_library(pins: Sequence[str] = ()) -> ArduinoLibrary:
    """Return the library at $EARSHOT_TFLM, or else the preferred installed one.

    Args:
        pins: "name@version" of libraries; if one of `NAMES` is pinned, only that one is accepted.

    Raises:
        BuildFailed: no library is installed, none has the pinned version, or $EARSHOT_TFLM names no library.
    """
    pinned = _pinned(pins)
    named = os.environ.get(VARIABLE, "")
    found = [_at(user_path(named))] if named else _installed()
    for library in found:
        if not pinned or pinned.get(library.name.lower()) == library.version:
            return _checked(library)
    if found:
        raise BuildFailed(
            f"TensorFlow Lite Micro is installed as {', '.join(map(str, found))}, not as pinned",
            where="; ".join(str(library.folder) for library in found),
            remedy=f"Install {', '.join(pins)} with `arduino-cli lib install`"
            f"{f' and unset {VARIABLE}' if named else ''}, or change the pin.",
        )
    raise BuildFailed("TensorFlow Lite Micro is not installed as an Arduino library", remedy=_INSTALL)


def _installed() -> list[ArduinoLibrary]:
    """Return the installed copies, the preferred one first."""
    try:
        folders = [Path(found.install_dir) for found in ArduinoCli().libraries() if found.install_dir]
    except BuildFailed as failure:
        raise BuildFailed(
            f"engine tflm cannot look for TensorFlow Lite Micro: {failure.what}",
            failure.where,
            f"{failure.remedy} Or {_CHECKOUT}",
        ) from failure
    ranks = {name.lower(): rank for rank, name in enumerate(NAMES)}
    libraries = [library for library in map(read_library, folders) if library]
    found = [library for library in libraries if library.name.lower() in ranks]
    return sorted(found, key=lambda library: (ranks[library.name.lower()], str(library.folder)))


def _checked(library: ArduinoLibrary) -> ArduinoLibrary:
    for key, value in (("name", library.name), ("version", library.version)):
        if not _PLAIN[key].fullmatch(value):
            raise BuildFailed(
                f"a library's {key} is {value!r}",
                where=str(library.folder / PROPERTIES),
                remedy="Install the library again.",
            )
    return library


def _pinned(pins: Sequence[str]) -> dict[str, str]:
    """Return the pinned versions of `NAMES`, by name in lower case."""
    known = {name.lower() for name in NAMES}
    versions = dict(pin.rsplit("@", 1) for pin in pins if "@" in pin)
    return {name.lower(): version for name, version in versions.items() if name.lower() in known}


def _at(folder: Path) -> ArduinoLibrary:
    library = read_library(folder)
    if library is None:
        raise BuildFailed(
            f"{VARIABLE} points to a folder without {PROPERTIES}",
            where=str(folder),
            remedy=f"Set {VARIABLE} to a checkout of tensorflow/tflite-micro-arduino-examples, or unset it.",
        )
    return library

"""Firmware: a compiled image and its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.footprint import FAST, Footprint
from harness.recognizer import DEFAULT, Recognizer


@dataclass(frozen=True)
class Firmware:
    """An image for one board, with one model and one engine in it.

    Attributes:
        kernels: the engine's kernel set, such as "reference".
        build_id: 8 hex digits over all staged sources; the `boot` record has the same.
        model_sha256: SHA-256 of the .tflite, 64 hex digits; the board reports the first 8.
        image: the file to put on the board.
        flash_bytes: code, constants and the initial values of .data.
        ram_bytes: .data and .bss, without stack and heap.
        arena_bytes: the engine's memory for activations; part of `ram_bytes`.
        sections: bytes by section name, as counted in `flash_bytes` and `ram_bytes`.
        optimization: the compiler's optimization flags, such as "-O2".
        toolchain: compiler and version, such as "arm-none-eabi-g++ 12.2.1".
        recognizer: its parameters.
        portable, footprint: see `EngineSources`.
    """

    variant_id: str
    engine: str
    kernels: str
    build_id: str
    model_sha256: str
    image: Path
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    sections: Mapping[str, int]
    optimization: str
    toolchain: str
    recognizer: Recognizer = DEFAULT
    portable: str = ""
    footprint: Footprint = FAST

"""Libraries and sketch compile for the boards' core without warnings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from host_library import BOARD_FLAGS, LIBRARIES
from tiny_engine import TinyEngine, tiny_model

from harness.firmware.stage import stage
from harness.layout import SKETCHES

CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16")
ARDUINO = (f"-I{SKETCHES / 'emulated_core'}", "-DARDUINO_EARSHOT_EMULATED", "-DF_CPU=64000000L", "-x", "c++")


def compile_for_board(sources: list[Path], *flags: str) -> None:
    command = ["arm-none-eabi-g++", *CORE, *BOARD_FLAGS, *flags, "-fsyntax-only", *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("library", sorted(path.name for path in LIBRARIES.iterdir()))
def test_a_library_compiles(tmp_path, library):
    folder = LIBRARIES / library / "src"
    headers = tmp_path / "headers.cpp"
    headers.write_text("".join(f'#include "{path}"\n' for path in sorted(folder.glob("*.h"))))
    compile_for_board([headers, *sorted(folder.glob("*.cpp"))])


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"precision": "float32"},
        {"elements": 490, "precision": "int8"},
        {"elements": 33, "precision": "float32"},
    ],
    ids=["int8 features", "float features", "other int8", "other float"],
)
def test_the_sketch_compiles_for_every_kind_of_model(tmp_path, facts):
    sketch = stage(tiny_model(tmp_path / "model", **facts), TinyEngine(), tmp_path / "out").path
    compile_for_board([*sorted(sketch.glob("*.cpp")), *sketch.glob("*.ino")], *ARDUINO)


def test_the_sketch_compiles_with_the_flags_of_the_mbed_core(tmp_path):
    # ArduinoCore-mbed, variants/ARDUINO_NANO33BLE/cxxflags.txt
    flags = ("-std=gnu++14", "-Os", "-Wvla", "-funsigned-char", "-fno-delete-null-pointer-checks")
    sketch = stage(tiny_model(tmp_path / "model"), TinyEngine(), tmp_path / "out").path
    compile_for_board([*sorted(sketch.rglob("*.cpp")), *sketch.glob("*.ino")], *ARDUINO, *flags)

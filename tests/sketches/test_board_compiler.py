"""Libraries and sketch compile for the boards' core without warnings."""

from __future__ import annotations

import shutil

import pytest
from host_library import EMULATED_FLAGS, LIBRARIES, MBED_FLAGS, compile_for_board
from tiny_engine import TinyEngine, tiny_model

from harness.firmware.stage import stage


def test_the_libraries_compile(tmp_path):
    for library in LIBRARIES.glob("*/src"):  # side by side, as in a sketch
        shutil.copytree(library, tmp_path / library.parent.name)
    sources = sorted(tmp_path.glob("*/*.cpp"))
    for folder in sorted(tmp_path.iterdir()):
        headers = tmp_path / f"{folder.name}.cpp"
        headers.write_text("".join(f'#include "{path}"\n' for path in sorted(folder.glob("*.h"))))
        sources.append(headers)
    compile_for_board("-fsyntax-only", *sources)


@pytest.mark.parametrize(
    ("facts", "flags"),
    [
        ({}, ()),
        ({"precision": "float32"}, ()),
        ({"elements": 490, "precision": "int8"}, ()),
        ({"elements": 33, "precision": "float32"}, ()),
        ({}, MBED_FLAGS),
    ],
    ids=["int8 features", "float features", "other int8", "other float", "flags of the mbed core"],
)
def test_the_sketch_compiles_for_every_kind_of_model(tmp_path, facts, flags):
    sketch = stage(tiny_model(tmp_path / "model", **facts), TinyEngine(), tmp_path / "out").path
    sources = [*sorted(sketch.rglob("*.cpp")), *sketch.glob("*.ino")]
    compile_for_board(*EMULATED_FLAGS, *flags, "-fsyntax-only", "-x", "c++", *sources)

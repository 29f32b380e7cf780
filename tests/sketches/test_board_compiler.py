"""Every library compiles for the boards' core without a warning."""

from __future__ import annotations

import subprocess

import pytest
from host_library import BOARD_FLAGS, LIBRARIES

CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16")


@pytest.mark.parametrize("library", sorted(path.name for path in LIBRARIES.iterdir()))
def test_a_library_compiles(tmp_path, library):
    folder = LIBRARIES / library / "src"
    headers = tmp_path / "headers.cpp"
    headers.write_text("".join(f'#include "{path}"\n' for path in sorted(folder.glob("*.h"))))
    for source in (headers, *sorted(folder.glob("*.cpp"))):
        command = ["arm-none-eabi-g++", *CORE, *BOARD_FLAGS, "-c", str(source), "-o", str(tmp_path / "out.o")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

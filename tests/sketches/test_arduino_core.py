"""The sketch compiles for the Nano 33 BLE with a copy of ArduinoCore-mbed, as arduino-cli does it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import tflite_cases
from compiled_engine import staged_engine
from host_library import symbols_of
from tiny_engine import TinyEngine, tiny_model

from harness.firmware.stage import stage

VARIABLE = "EARSHOT_ARDUINO_CORE"
_BOARD = "nano33ble"
_IDE_VERSION = "10607"  # arduino-cli's
OPERATORS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "average_pool_2d", "softmax")


class ArduinoCore:
    """The compiler command of the core's platform.txt and boards.txt.

    Args:
        folder: the core, complete: with the folder `api` of ArduinoCore-API in cores/arduino.
    """

    def __init__(self, folder: Path) -> None:
        core = folder / "cores" / "arduino"
        board = {
            name.removeprefix(f"{_BOARD}."): value
            for name, value in _properties(folder / "boards.txt").items()
            if name.startswith(f"{_BOARD}.")
        }
        variant = folder / "variants" / board["build.variant"]
        includes = (core, variant, folder / "libraries" / "PDM" / "src")
        self._properties = _properties(folder / "platform.txt") | board
        self._properties |= {
            "build.compiler_path": "",  # this machine's compiler, not the one that comes with the core
            "build.core.path": str(core),
            "build.variant.path": str(variant),
            "includes": " ".join(f'"-I{path}"' for path in includes),
            "build.arch": "MBED_NANO",
            "build.extra_ldflags": "",
            "runtime.ide.version": _IDE_VERSION,
        }

    def compile(self, source: Path, sketch: Path, target: Path) -> list[str]:
        """Compile a .cpp or .ino file with all warnings; return the warnings about the sketch."""
        chosen = self._properties | {
            "compiler.warning_flags": self._properties["compiler.warning_flags.all"],
            "source_file": str(source),
            "object_file": str(target),
        }
        command = chosen["recipe.cpp.o.pattern"]
        while "{" in command:
            command = re.sub(r"\{([^{}]*)\}", lambda match: chosen[match[1]], command)
        words = shlex.split(command)
        if source.suffix == ".ino":
            words.insert(words.index(str(source)), "-xc++")
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return [line for line in done.stderr.splitlines() if "warning:" in line and str(sketch) in line]


@pytest.fixture(scope="module")
def core() -> ArduinoCore:
    """Return the core that the variable names; skip the test if there is none."""
    name = os.environ.get(VARIABLE)
    if not name:
        pytest.skip(f"{VARIABLE} names no copy of ArduinoCore-mbed")
    folder = Path(name).resolve()
    if not (folder / "platform.txt").is_file():
        pytest.skip(f"{VARIABLE}: there is no platform.txt in {folder}")
    if not (folder / "cores" / "arduino" / "api" / "ArduinoAPI.h").is_file():
        pytest.skip(f"{VARIABLE}: {folder}/cores/arduino lacks the folder api of ArduinoCore-API")
    return ArduinoCore(folder)


def _properties(path: Path) -> dict[str, str]:
    """Read the settings of a platform.txt or boards.txt."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def warnings_of(core, sources: list[Path], sketch: Path, folder: Path) -> list[str]:
    return [line for source in sources for line in core.compile(source, sketch, folder / f"{source.name}.o")]


@pytest.mark.parametrize(
    ("precision", "instrument"), [("int8", ""), ("float32", ""), ("int8", "stages"), ("int8", "timestamps")]
)
def test_the_staged_sketch_compiles_without_a_warning(core, tmp_path, precision, instrument):
    model = tiny_model(tmp_path / "model", precision=precision)
    sketch = stage(model, TinyEngine(), tmp_path / "out", instrument=instrument).path
    sources = [*sorted(sketch.rglob("*.cpp")), *sketch.glob("*.ino")]
    assert warnings_of(core, sources, sketch, tmp_path) == []


@pytest.mark.parametrize("dtype", ["i1", "f4"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_codegen_compiles_without_a_warning(core, tmp_path, operator, dtype):
    staged_engine(getattr(tflite_cases, operator)(1, dtype), tmp_path)
    assert warnings_of(core, [tmp_path / "engine.cpp"], tmp_path, tmp_path) == []
    # A constexpr static member has no memory in C++14 without another definition.
    assert "earshot" not in " ".join(symbols_of(tmp_path / "engine.cpp.o", "-C", "--undefined-only"))

"""The sketch compiles against the real Arduino API."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import tflite_cases
from arduino_core import arduino_core
from compiled_engine import staged_engine
from tiny_engine import TinyEngine, tiny_model

from harness.firmware.stage import stage

OPERATORS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "average_pool_2d", "softmax")


@pytest.fixture(scope="module")
def core():
    return arduino_core()


def warnings_of(core, sources: list[Path], sketch: Path, folder: Path) -> list[str]:
    return [line for source in sources for line in core.compile(source, sketch, folder / f"{source.name}.o")]


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_the_staged_sketch_compiles_without_a_warning(core, tmp_path, precision):
    sketch = stage(tiny_model(tmp_path / "model", precision=precision), TinyEngine(), tmp_path / "out").path
    sources = [*sorted(sketch.rglob("*.cpp")), *sketch.glob("*.ino")]
    assert warnings_of(core, sources, sketch, tmp_path) == []


@pytest.mark.parametrize("dtype", ["i1", "f4"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_codegen_compiles_without_a_warning(core, tmp_path, operator, dtype):
    staged_engine(getattr(tflite_cases, operator)(1, dtype), tmp_path)
    assert warnings_of(core, [tmp_path / "engine.cpp"], tmp_path, tmp_path) == []
    # A constexpr static member has no memory in C++14 without another definition.
    symbols = ("arm-none-eabi-nm", "-C", "--undefined-only", str(tmp_path / "engine.cpp.o"))
    assert "earshot" not in subprocess.run(symbols, capture_output=True, text=True, check=True).stdout

"""What engine tflm writes: exactly the model's operators, the library's own dialect; and what it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tflite_builder import ModelBuilder
from tflm_library import library_outline

from harness.errors import BuildFailed
from harness.firmware.arduino_library import read_library
from harness.firmware.arm_gcc import CORE
from harness.firmware.tflm import TflmEngine
from harness.firmware.tflm.interface import read_interface
from harness.layout import SKETCHES

_CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16")
_STRICT = ("-std=gnu++14", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti", "-fsyntax-only")


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("EARSHOT_TFLM", raising=False)


def _dense_softmax(dtype: str = "i1") -> bytes:
    """(1, 8) -> FULLY_CONNECTED -> (1, 4) -> SOFTMAX, twice."""
    builder = ModelBuilder()
    scales = [(0.1, 0), (0.2, 1), (1 / 256, -128), (1 / 256, -128)] if dtype == "i1" else [(0.0, 0)] * 4
    shapes = [(1, 8), (1, 4), (1, 4), (1, 4)]
    tensors = [builder.activation(shape, dtype, *scale) for shape, scale in zip(shapes, scales, strict=True)]
    weights = builder.constant(np.ones((4, 8), dtype), [0.01] if dtype == "i1" else [])
    builder.operator("FULLY_CONNECTED", [tensors[0], weights, -1], [tensors[1]])
    builder.operator("SOFTMAX", [tensors[1]], [tensors[2]], beta=1.0)
    builder.operator("SOFTMAX", [tensors[2]], [tensors[3]], beta=1.0)
    return builder.finish(tensors[:1], tensors[3:])


def _generate(model: bytes, library: Path, out: Path, **changes):
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.tflite").write_bytes(model)
    return replace(TflmEngine((library,)), **changes).generate(out / "model.tflite", out)


def test_the_resolver_has_each_kind_of_operator_once(tmp_path):
    sources = _generate(_dense_softmax(), library_outline(tmp_path / "library"), tmp_path / "out")
    text = (tmp_path / "out" / "engine.cpp").read_text()
    assert "MicroMutableOpResolver<2>" in text
    assert re.findall(r"resolver\.(Add\w+)\(", text) == ["AddFullyConnected", "AddSoftmax"]
    assert sources.operators == {"FULLY_CONNECTED": 1, "SOFTMAX": 2}
    assert sources.macs == 32


def test_the_model_is_in_it_byte_for_byte_and_aligned(tmp_path):
    _generate(_dense_softmax(), library_outline(tmp_path / "library"), tmp_path / "out")
    text = (tmp_path / "out" / "model_data.h").read_text()
    declaration, numbers = re.search(r"(alignas.*)\[\d+\] = \{([\d,\s]*)\}", text).groups()
    assert declaration == "alignas(16) const unsigned char kModel"
    assert bytes(map(int, numbers.split(","))) == _dense_softmax()


@pytest.mark.skipif(not shutil.which("arm-none-eabi-g++"), reason="arm-none-eabi-g++ is not installed")
@pytest.mark.parametrize("takes_reporter", [False, True], ids=["logs errors", "reports errors to an object"])
@pytest.mark.parametrize("board", ["-DARDUINO_EARSHOT_EMULATED", "-DARDUINO_ARDUINO_NANO33BLE"])
@pytest.mark.parametrize("dtype", ["i1", "f4"])
def test_it_compiles_without_a_warning_with_both_generations(tmp_path, takes_reporter, board, dtype):
    library = library_outline(tmp_path / "library", takes_reporter=takes_reporter)
    out = tmp_path / "out"
    _generate(_dense_softmax(dtype), library, out)
    shutil.copyfile(SKETCHES / "earshot" / "engine.h", out / "engine.h")
    places = [f"-I{out}", f"-isystem{library / 'src'}", f"-I{CORE}", "-DF_CPU=64000000L"]
    command = ["arm-none-eabi-g++", *_CORTEX_M4, *_STRICT, board, *places, str(out / "engine.cpp")]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_what_the_board_needs_and_reports_is_told(tmp_path):
    library = library_outline(tmp_path / "library", cmsis_revision="11.0.0")
    sources = _generate(_dense_softmax(), library, tmp_path / "out")
    assert sources.libraries == ("Arduino_TensorFlowLite@2.4.0-ALPHA",)
    assert sources.library_folders == (library,)
    assert sources.kernels == "cmsis-nn 11.0.0 of Arduino_TensorFlowLite 2.4.0-ALPHA"
    assert f'kEngineKernels[] = "{sources.kernels}"' in (tmp_path / "out" / "engine.cpp").read_text()


@pytest.mark.parametrize(("dtype", "revision"), [("f4", "11.0.0"), ("i1", "")], ids=["float", "no CMSIS-NN"])
def test_reference_kernels_are_called_so(tmp_path, dtype, revision):
    library = library_outline(tmp_path / "library", cmsis_revision=revision)
    sources = _generate(_dense_softmax(dtype), library, tmp_path / "out")
    assert sources.kernels == "reference of Arduino_TensorFlowLite 2.4.0-ALPHA"


def test_the_same_library_elsewhere_gives_the_same_sources_and_a_changed_one_others(tmp_path):
    texts = []
    for name in ("here", "there", "changed"):
        library = library_outline(tmp_path / name)
        if name == "changed":
            (library / "src" / "TensorFlowLite.h").write_text("#define CHANGED\n")
        _generate(_dense_softmax(), library, tmp_path / f"{name}-out")
        texts.append((tmp_path / f"{name}-out" / "engine.cpp").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_an_arena_that_was_measured_replaces_the_guess(tmp_path):
    library = library_outline(tmp_path / "library")
    guessed = _generate(_dense_softmax(), library, tmp_path / "guessed")
    measured = _generate(_dense_softmax(), library, tmp_path / "measured", arena_bytes=2048)
    assert guessed.arena_bytes > measured.arena_bytes == 2048
    assert "kArenaBytes = 2048;" in (tmp_path / "measured" / "engine.cpp").read_text()


def _unary(name: str, *dtypes: str) -> bytes:
    builder = ModelBuilder()
    tensors = [builder.activation((1, 4), dtype, 0.1) for dtype in dtypes]
    builder.operator(name, tensors[:1], tensors[-1:])
    return builder.finish(tensors[:1], tensors[-1:])


def test_an_operator_that_the_library_lacks_is_named(tmp_path):
    with pytest.raises(BuildFailed, match=r"ALPHA has no operator LOGISTIC \(.*LOGISTIC \(operator 0"):
        _generate(_unary("LOGISTIC", "i1", "i1"), library_outline(tmp_path / "library"), tmp_path / "out")


@pytest.mark.parametrize(
    ("dtypes", "side"), [(("i2", "i1"), "input is int16"), (("i1", "u1"), "output is uint8")]
)
def test_an_input_or_output_that_the_sketch_does_not_know(tmp_path, dtypes, side):
    with pytest.raises(BuildFailed, match=side):
        _generate(_unary("SOFTMAX", *dtypes), library_outline(tmp_path / "library"), tmp_path / "out")


def test_a_model_with_two_inputs_is_refused(tmp_path):
    builder = ModelBuilder()
    tensors = [builder.activation((1, 4), "i1", 0.1) for _ in range(3)]
    builder.operator("SOFTMAX", tensors[:1], tensors[2:])
    with pytest.raises(BuildFailed, match="input is int8, int8; the sketch takes one"):
        _generate(
            builder.finish(tensors[:2], tensors[2:]), library_outline(tmp_path / "library"), tmp_path / "out"
        )


@pytest.mark.parametrize(
    ("path", "text", "match"),
    [
        ("tensorflow/lite/micro/micro_interpreter.h", None, "does not hold TensorFlow Lite Micro"),
        ("tensorflow/lite/micro/micro_mutable_op_resolver.h", "", "operator resolver of an unknown kind"),
        ("TensorFlowLite.h", None, "no header that a sketch could include"),
    ],
)
def test_a_library_that_is_not_what_it_says(tmp_path, path, text, match):
    library = library_outline(tmp_path)
    (library / "src" / path).unlink()
    if text is not None:
        (library / "src" / path).write_text(text)
    with pytest.raises(BuildFailed, match=match) as refusal:
        read_interface(read_library(library))
    assert refusal.value.remedy

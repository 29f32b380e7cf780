"""Generated engines: compiled and run on the host, compared with both oracles, and joined for the board."""

from __future__ import annotations

import ctypes
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from host_library import LIBRARIES, load_library

from harness.firmware.codegen.operations import Operation, operation
from harness.firmware.codegen.program import Step
from harness.firmware.codegen_sparse import CodegenSparseEngine
from harness.firmware.codegen_sparse.kernels import sparse_operation
from harness.firmware.engine import Engine, EngineSources, get_engine
from harness.layout import SKETCHES
from models.reference import ReferenceModel

KERNELS = LIBRARIES / "EarshotKernels" / "src"
_GLUE = Path(__file__).with_name("engine_host.cpp")


class AlwaysSparse(CodegenSparseEngine):
    """An engine with every sparse kernel that exists, even a slower one."""

    def operation(self, step: Step) -> Operation:
        return sparse_operation(step) or operation(step)


class _View(ctypes.Structure):
    """TensorView of engine.h."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_uint32),
        ("type", ctypes.c_uint8),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
    ]


@dataclass(frozen=True)
class CompiledEngine:
    """A generated engine compiled for the host.

    Attributes:
        sources: the generator's result.
        text: engine.cpp.
        library: functions of engine_host.cpp.
    """

    sources: EngineSources
    text: str
    library: ctypes.CDLL

    @property
    def calls(self) -> list[str]:
        """Names of the kernels in the order in which they run."""
        return kernel_calls(self.text)

    @property
    def names(self) -> tuple[bytes, bytes]:
        """Name and kernel set that the running engine reports."""
        self.library.name.restype = self.library.kernels.restype = ctypes.c_char_p
        return self.library.name(), self.library.kernels()

    def view(self, side: str) -> _View:
        """Return the TensorView of the "input" or the "output"."""
        view = _View()
        self.library.describe(side == "output", ctypes.byref(view))
        return view

    def inputs(self, count: int = 20, seed: int = 3) -> np.ndarray:
        """Draw inputs (count, elements); int8 ones begin with the extremes."""
        view, random = self.view("input"), np.random.default_rng(seed)
        if view.type == 1:
            return random.normal(0, 1, (count, view.bytes // 4)).astype("f4")
        inputs = random.integers(-128, 128, (count, view.bytes)).astype("i1")
        inputs[0], inputs[1] = 127, -128
        return inputs

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return flat outputs (n, elements) for inputs (n, …)."""
        view = self.view("output")
        dtype = np.dtype("i1" if view.type == 0 else "f4")
        inputs = np.ascontiguousarray(inputs)
        assert inputs[0].nbytes == self.view("input").bytes
        outputs = np.empty((len(inputs), view.bytes // dtype.itemsize), dtype)
        pointers = (array.ctypes.data_as(ctypes.c_void_p) for array in (inputs, outputs))
        self.library.run(*pointers, len(inputs))
        return outputs


def kernel_calls(text: str) -> list[str]:
    return re.findall(r"^  kernels::(\w+)<", text, re.MULTILINE)


def staged_engine(tflite: bytes, folder: Path, engine: Engine | None = None) -> EngineSources:
    """Write the generated sources and their includes into a folder, which is created if needed."""
    folder.mkdir(exist_ok=True)
    (folder / "src").mkdir()
    (folder / "src" / "EarshotKernels").symlink_to(KERNELS)
    shutil.copyfile(SKETCHES / "earshot" / "engine.h", folder / "engine.h")
    model = folder / "model.tflite"
    model.write_bytes(tflite)
    return (engine or get_engine("codegen")).generate(model, folder)


def compiled(tflite: bytes, engine: Engine | None = None) -> CompiledEngine:
    """Generate and compile an engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = staged_engine(tflite, folder, engine)
        headers = [*sorted(folder.glob("*.h")), *sorted(KERNELS.iterdir())]
        library = load_library([folder / "engine.cpp", _GLUE], headers, folder)
        assert library.begin()
        return CompiledEngine(sources, (folder / "engine.cpp").read_text(), library)


def checked(tflite: bytes, engine: Engine | None = None, count: int = 20) -> CompiledEngine:
    """Compile an engine; int8 outputs must equal those of both oracles, float32 ones up to rounding."""
    done = compiled(tflite, engine)
    inputs = done.inputs(count)
    outputs = done.run(inputs)
    for oracle in (tflite_reference, tflite_micro):
        compare(outputs, oracle(tflite, inputs), oracle.__name__)
    return done


def compare(outputs: np.ndarray, expected: np.ndarray, name: str = "") -> None:
    tolerance = 0 if outputs.dtype == np.int8 else 1e-5
    np.testing.assert_allclose(outputs, expected, rtol=tolerance, atol=tolerance, err_msg=name)


def tflite_reference(tflite: bytes, inputs: np.ndarray) -> np.ndarray:
    """Compute flat outputs (n, elements) for inputs (n, …) with TensorFlow Lite's reference kernels."""
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(tflite)
        file.flush()
        model = ReferenceModel(Path(file.name))
    return np.stack([model.raw_output(one.reshape(model.input_shape)) for one in inputs])


def tflite_micro(tflite: bytes, inputs: np.ndarray) -> np.ndarray:
    """Compute flat outputs (n, elements) for inputs (n, …) with TensorFlow Lite for Microcontrollers."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(tflite, arena_size=max(1 << 18, 20 * len(tflite)))
    shape = interpreter.get_input_details(0)["shape"]
    results = []
    for one in inputs:
        interpreter.set_input(one.reshape(shape), 0)
        interpreter.invoke()
        results.append(interpreter.get_output(0).reshape(-1))
    return np.stack(results)


def amalgamated(folder: Path, namespace: str) -> str:
    """Return a staged engine.cpp with our headers inlined, in a namespace of its own."""
    included = set()

    def expanded(path: Path) -> str:
        if path.resolve() in included:
            return ""
        included.add(path.resolve())

        def text_of(match: re.Match[str]) -> str:
            beside = path.parent / match[1]
            return expanded(beside if beside.exists() else folder / match[1])

        text = path.read_text().replace("#pragma once", "")
        return re.sub(r'^#include "(.*)"$', text_of, text, flags=re.MULTILINE)

    return re.sub(r"\bearshot\b", namespace, expanded(folder / "engine.cpp"))

"""Engine `codegen` or a subclass on the host: generated, compiled with the boards' warnings, and run."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from host_library import BOARD_FLAGS, LIBRARIES, load_library

from harness.firmware.engine import Engine, EngineSources, get_engine
from harness.layout import SKETCHES

KERNELS = LIBRARIES / "EarshotKernels" / "src"
_GLUE = Path(__file__).with_name("engine_host.cpp")
_CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16")


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

    def view(self, side: str) -> _View:
        """Return the TensorView of the "input" or the "output"."""
        view = _View()
        self.library.describe(side == "output", ctypes.byref(view))
        return view

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


def staged_engine(tflite: bytes, folder: Path, engine: Engine | None = None) -> EngineSources:
    """Write the generated sources and their includes into an empty folder."""
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
        return CompiledEngine(sources, (folder / "engine.cpp").read_text(), library)


def compile_for_cortex_m4(folder: Path, *flags: str) -> Path:
    """Compile a staged engine for the boards' processor, with more flags; return the object file."""
    compiler = "arm-none-eabi-g++"
    target = folder / "engine.o"
    command = [compiler, *_CORTEX_M4, *BOARD_FLAGS, *flags, f"-I{folder}", "-c", str(folder / "engine.cpp")]
    subprocess.run([*command, "-o", str(target)], check=True)
    return target

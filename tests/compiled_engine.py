"""Engine `codegen` or a subclass on the host: generated, compiled with the boards' warnings, and run."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.firmware.engine import Engine, EngineSources, get_engine
from harness.layout import SKETCHES

KERNELS = SKETCHES / "libraries" / "EarshotKernels" / "src"
_GLUE = Path(__file__).with_name("engine_host.cpp")
_WARNINGS = ("-std=gnu++17", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti")
_HOST = ("-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=undefined", "-funsigned-char")
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
    """A generated engine that was compiled for the host.

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
    """Generate and compile; a machine compiles the same sources once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = staged_engine(tflite, folder, engine)
        digest = hashlib.sha256(" ".join((*_WARNINGS, *_HOST)).encode())
        for path in [*sorted(folder.glob("*.*")), _GLUE, *sorted(KERNELS.iterdir())]:
            digest.update(path.read_bytes())
        cache = Path(tempfile.gettempdir()) / f"earshot-tests-{os.getuid()}"
        library = cache / f"{digest.hexdigest()[:16]}.so"
        if not library.exists():
            cache.mkdir(mode=0o700, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=cache)
            os.close(handle)
            command = ["g++", *_WARNINGS, *_HOST, f"-I{folder}", str(folder / "engine.cpp"), str(_GLUE)]
            subprocess.run([*command, "-o", scratch], check=True)
            Path(scratch).replace(library)  # atomic, as other processes may compile it too
        return CompiledEngine(sources, (folder / "engine.cpp").read_text(), ctypes.CDLL(str(library)))


def compile_for_cortex_m4(folder: Path, *flags: str) -> Path:
    """Compile a staged engine for the boards' processor; return the object file."""
    compiler = "arm-none-eabi-g++"
    target = folder / "engine.o"
    command = [compiler, *_CORTEX_M4, *_WARNINGS, *flags, f"-I{folder}", "-c", str(folder / "engine.cpp")]
    subprocess.run([*command, "-o", str(target)], check=True)
    return target

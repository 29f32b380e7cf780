"""Kernels of engine codegen with random shapes, many to a program, against the reference kernels.

    EARSHOT_KERNEL_CASES=2000 .venv/bin/pytest -n 2 tests/harness/firmware/test_kernel_cases.py

compares 2,000 models of one layer with each footprint, which takes 20 minutes of two cores; without the
variable it is 50.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tflite_cases as cases
from compiled_engine import amalgamated, compare, kernel_calls, staged_engine, tflite_reference

from harness.firmware.engine import Engine, get_engine
from harness.footprint import Footprint
from models.tflite import Tensor, read_tflite

RUNS = 4
TOGETHER = 25
CASES = int(os.environ.get("EARSHOT_KERNEL_CASES", 50))
FAST_KERNELS = {"convolve_1_channel_s8", "convolve_s8", "convolve_f32", "depthwise_conv_s8"}

_GLUE = """
template <class View>
static void run(View input, View output, bool (*invoke)(), const void* from, void* to) {
  std::memcpy(input.data, from, input.bytes);
  invoke();
  std::memcpy(to, output.data, output.bytes);
}
extern "C" void run(int number, const void* from, void* to) {
  switch (number) {
CALLS  }
}
"""


def _inputs(tensor: Tensor, seed: int) -> np.ndarray:
    """Draw inputs (RUNS, elements); int8 ones begin with the extremes."""
    random = np.random.default_rng(seed)
    if tensor.type == "float32":
        return random.normal(0, 1, (RUNS, tensor.elements)).astype("f4")
    inputs = random.integers(-128, 128, (RUNS, tensor.elements)).astype("i1")
    inputs[0], inputs[1] = 127, -128
    return inputs


def _compiled(models: list[bytes], folder: Path, engine: Engine) -> tuple[ctypes.CDLL, Counter[str]]:
    """Compile engines into one library; return it, and how often each kernel is called."""
    text = calls = ""
    kernels: Counter[str] = Counter()
    for number, model in enumerate(models):
        place, space = folder / str(number), f"engine{number}"
        staged_engine(model, place, engine)
        text += amalgamated(place, space)
        kernels.update(kernel_calls((place / "engine.cpp").read_text()))
        calls += f"    case {number}: {{\n      static bool begun = {space}::engine_begin();\n"
        calls += f"      run({space}::engine_input(), {space}::engine_output(), "
        calls += f"{space}::engine_invoke, from, to);\n      return (void)begun;\n    }}\n"
    (folder / "cases.cpp").write_text(
        f"#include <cmath>\n#include <cstring>\n{text}{_GLUE.replace('CALLS', calls)}"
    )
    # Without optimization: compiling takes longer than everything else.
    command = "g++ -O0 -std=gnu++17 -funsigned-char -shared -fPIC cases.cpp -o cases.so"
    subprocess.run(command.split(), check=True, cwd=folder)
    return ctypes.CDLL(str(folder / "cases.so")), kernels


def _check(seeds: Sequence[int], folder: Path, footprint: Footprint) -> Counter[str]:
    """Compare the outputs of `any_kernel` for some seeds; return how often each kernel was called."""
    engine = get_engine("codegen", footprint=footprint)
    models = [cases.any_kernel(seed) for seed in seeds]
    library, kernels = _compiled(models, folder, engine)
    for number, (seed, model) in enumerate(zip(seeds, models, strict=True)):
        read = read_tflite(folder / str(number) / "model.tflite")
        (source,), (output,) = read.input_tensors, read.output_tensors
        inputs = _inputs(source, seed)
        outputs = np.empty((RUNS, output.elements), "i1" if output.type == "int8" else "f4")
        for one, result in zip(inputs, outputs, strict=True):
            library.run(number, *(array.ctypes.data_as(ctypes.c_void_p) for array in (one, result)))
        compare(outputs, tflite_reference(model, inputs), f"seed {seed}")
    return kernels


@pytest.mark.parametrize("footprint", ["fast", "small"])
def test_random_shapes(tmp_path, footprint):
    """Every kind of model is among them, in int8 or float32."""
    seeds = range(0, 5 * len(cases.KINDS), 3)
    called = _check(seeds, tmp_path, footprint) & Counter(FAST_KERNELS)
    assert set(called) == (FAST_KERNELS if footprint == "fast" else set())


@pytest.mark.slow
@pytest.mark.parametrize("footprint", ["fast", "small"])
@pytest.mark.parametrize("first", range(1000, 1000 + CASES, TOGETHER))
def test_many_random_shapes(tmp_path, first, footprint):
    _check(range(first, first + TOGETHER), tmp_path, footprint)

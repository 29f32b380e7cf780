"""Kernels of engine codegen with random shapes, many to a program, against TensorFlow Lite's reference kernels."""

from __future__ import annotations

import ctypes
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tflite_cases as cases
from compiled_engine import amalgamated, compare, kernel_calls, staged_engine, tflite_reference

from models.tflite import read_tflite

RUNS = 4
TOGETHER = 25
FAST_KERNELS = {"convolve_1_channel_s8", "convolve_s8", "depthwise_conv_s8"}


def run_together(models: list[bytes], folder: Path) -> tuple[list[list[np.ndarray]], list[str]]:
    """Compile engines into one library; return inputs and outputs of each, and the kernels that ran."""
    text = calls = ""
    kernels = []
    for number, model in enumerate(models):
        staged_engine(model, folder / str(number))
        text += amalgamated(folder / str(number), f"engine{number}")
        kernels += kernel_calls((folder / str(number) / "engine.cpp").read_text())
        calls += (
            f"    case {number}: return run(engine{number}::engine_input(), engine{number}::engine_output(), "
        )
        calls += f"engine{number}::engine_invoke, inputs, outputs);\n"
    source = folder / "cases.cpp"
    source.write_text(f"#include <cmath>\n#include <cstring>\n{text}{_GLUE.replace('CALLS', calls)}")
    library = folder / "cases.so"
    # Without optimization: compiling takes longer than everything else.
    command = ["g++", "-O0", "-std=gnu++17", "-funsigned-char", "-shared", "-fPIC", str(source), "-o"]
    subprocess.run([*command, str(library)], check=True, cwd=folder)
    loaded = ctypes.CDLL(str(library))
    results = []
    for number, model in enumerate(models):
        (source_tensor,), (output_tensor,) = (
            getattr(read_tflite(folder / str(number) / "model.tflite"), side)
            for side in ("input_tensors", "output_tensors")
        )
        inputs = _inputs(source_tensor, number)
        outputs = np.empty((RUNS, output_tensor.elements), "i1" if output_tensor.type == "int8" else "f4")
        for one, result in zip(inputs, outputs, strict=True):
            loaded.run(number, *(array.ctypes.data_as(ctypes.c_void_p) for array in (one, result)))
        results.append([inputs, outputs])
    return results, kernels


_GLUE = """
template <class View>
static void run(View input, View output, bool (*invoke)(), const void* from, void* to) {
  std::memcpy(input.data, from, input.bytes);
  invoke();
  std::memcpy(to, output.data, output.bytes);
}
extern "C" void run(int number, const void* inputs, void* outputs) {
  switch (number) {
CALLS  }
}
"""


def _inputs(tensor, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if tensor.type == "float32":
        return random.normal(0, 1, (RUNS, tensor.elements)).astype("f4")
    inputs = random.integers(-128, 128, (RUNS, tensor.elements)).astype("i1")
    inputs[0], inputs[1] = 127, -128
    return inputs


def check_seeds(seeds: range, folder: Path) -> Counter:
    models = [cases.any_kernel(seed) for seed in seeds]
    results, kernels = run_together(models, folder)
    for seed, model, (inputs, outputs) in zip(seeds, models, results, strict=True):
        compare(outputs, tflite_reference(model, inputs), f"seed {seed}")
    return Counter(kernels)


def test_random_shapes(tmp_path):
    assert set(check_seeds(range(TOGETHER), tmp_path)) >= FAST_KERNELS


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 3000, TOGETHER))
def test_many_random_shapes(tmp_path, first):
    check_seeds(range(first, first + TOGETHER), tmp_path)

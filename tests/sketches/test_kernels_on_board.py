"""The kernels with instructions of the Cortex-M4 that a host does not have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tflite_cases as cases
from board_program import PRINT, running
from compiled_engine import AlwaysSparse, amalgamated, compare, staged_engine, tflite_reference

from harness.firmware.engine import Engine, get_engine
from models.tflite import read_tflite

pytestmark = pytest.mark.emulated

RUNS = 6
TOGETHER = 20  # random shapes in an image
MODELS = {
    "conv": partial(cases.conv_2d, 0),
    "conv, other sizes": partial(cases.conv_2d, 4),
    "conv dilated": partial(cases.conv_2d, 3, dilated=True),
    "depthwise": partial(cases.depthwise_conv_2d, 1),
    "depthwise, other sizes": partial(cases.depthwise_conv_2d, 3),
    "fully connected": partial(cases.fully_connected, 2),
    "fully connected, other sizes": partial(cases.fully_connected, 3),
    "average pool": partial(cases.average_pool_2d, 1),
    "softmax": partial(cases.softmax, 1),
    "quantize": partial(cases.quantize, 1),
}
SPARSE = {
    "sparse conv, two groups of outputs": partial(cases.conv_2d, 1, zeros=0.5),
    "sparse conv, odd runs": partial(cases.conv_2d, 9, zeros=0.8),
    "sparse conv without zeros": partial(cases.conv_2d, 3),
    "sparse conv dilated": partial(cases.conv_2d, 6, dilated=True, zeros=0.6),
    "sparse fully connected": partial(cases.fully_connected, 1, zeros=0.7),
    "sparse fully connected, hardly anything left": partial(cases.fully_connected, 4, zeros=0.95),
    "sparse fully connected without zeros": partial(cases.fully_connected, 7),
}
SMALL = {f"small {name}": MODELS[name] for name in MODELS if name.startswith(("conv", "depth", "fully"))}
CASES = [(name, dtype) for name in MODELS | SMALL for dtype in ("i1", "f4")] + [
    (name, "i1") for name in SPARSE
]
ENGINES: dict[str, Engine] = {
    **dict.fromkeys(MODELS, get_engine("codegen")),
    **dict.fromkeys(SMALL, get_engine("codegen", footprint="small")),
    **dict.fromkeys(SPARSE, AlwaysSparse()),
}

# Inputs come from a linear congruential generator, as below in `_inputs`.
_MAIN = """
#include "Arduino.h"
PRINT
template <class View>
static void report(View input, View output, bool (*invoke)()) {
  uint32_t state = 1;
  for (int run = 0; run < RUNS; ++run) {
    const bool quantized = input.type == decltype(input.type)::kInt8;
    const uint32_t elements = input.bytes / (quantized ? 1 : 4);
    for (uint32_t i = 0; i < elements; ++i) {
      state = state * 1664525 + 1013904223;
      const auto number = static_cast<int8_t>(state >> 24);
      if (quantized) static_cast<int8_t*>(input.data)[i] = number;
      else static_cast<float*>(input.data)[i] = number / 32.0f;
    }
    invoke();
    for (uint32_t i = 0; i < output.bytes; ++i) {
      print(static_cast<unsigned char*>(output.data)[i], ' ');
    }
  }
  Serial.write("\\n", 1);
}
void setup() {
  Serial.begin(115200);
CALLS}
void loop() { yield(); }
"""


def _run(models: list[tuple[bytes, Engine]], folder: Path) -> list[bytes]:
    """Run all models on the board, with one image; return their outputs of all runs."""
    text, calls = "#include <cmath>\n", ""
    for number, (model, engine) in enumerate(models):
        staged_engine(model, folder / str(number), engine)
        space = f"engine{number}"
        text += amalgamated(folder / str(number), space)
        calls += f"  {space}::engine_begin();\n"
        calls += f"  report({space}::engine_input(), {space}::engine_output(), {space}::engine_invoke);\n"
    main = _MAIN.replace("PRINT", PRINT).replace("RUNS", str(RUNS)).replace("CALLS", calls)
    with running(text + main) as (_, terminal):
        return [bytes(map(int, terminal.read_until(b"\n").split())) for _ in models]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    """Return the model of each case, and its outputs on the board."""
    models = [((MODELS | SMALL | SPARSE)[name](dtype), ENGINES[name]) for name, dtype in CASES]
    outputs = _run(models, tmp_path_factory.mktemp("engines"))
    return {case: (model, out) for case, (model, _), out in zip(CASES, models, outputs, strict=True)}


def _inputs(elements: int, dtype: str) -> np.ndarray:
    state, numbers = 1, []
    for _ in range(RUNS * elements):
        state = (state * 1664525 + 1013904223) % (1 << 32)
        numbers.append(state >> 24)
    drawn = np.array(numbers, "u1").view("i1").reshape(RUNS, elements)
    return drawn if dtype == "i1" else (drawn / np.float32(32)).astype("f4")


def _check(model: bytes, outputs: bytes, folder: Path, dtype: str) -> None:
    file = folder / "model.tflite"
    file.write_bytes(model)
    (source,) = read_tflite(file).input_tensors
    expected = tflite_reference(model, _inputs(source.elements, dtype)).reshape(-1)
    compare(np.frombuffer(outputs, expected.dtype), expected)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_outputs_equal_those_of_the_reference_kernels(results, tmp_path, case):
    _check(*results[case], tmp_path, case[1])


@pytest.mark.slow
@pytest.mark.parametrize("footprint", ["fast", "small"])
@pytest.mark.parametrize("first", range(0, 100, TOGETHER))
def test_random_shapes_equal_the_reference_kernels(tmp_path, first, footprint):
    seeds = range(first, first + TOGETHER)
    models = [cases.any_kernel(seed) for seed in seeds]
    engine = get_engine("codegen", footprint=footprint)
    outputs = _run([(model, engine) for model in models], tmp_path)
    for seed, model, out in zip(seeds, models, outputs, strict=True):
        _check(model, out, tmp_path, "i1" if seed % 5 else "f4")

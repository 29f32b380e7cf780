"""The kernels with instructions of the Cortex-M4 that a host does not have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tflite_cases as cases
from board_program import PRINT, running
from compiled_engine import AlwaysSparse, amalgamated, compare, staged_engine, tflite_reference

from models.tflite import read_tflite

pytestmark = pytest.mark.emulated

RUNS = 6
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
CASES = [(name, dtype) for name in MODELS for dtype in ("i1", "f4")] + [(name, "i1") for name in SPARSE]

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


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[tuple[str, str], tuple[Path, bytes]]:
    """Run all models on the board, with one image; return each model's file and its outputs."""
    folder = tmp_path_factory.mktemp("engines")
    text, calls = "#include <cmath>\n", ""
    places = {case: folder / str(number) for number, case in enumerate(CASES)}
    for (name, dtype), place in places.items():
        staged_engine((MODELS | SPARSE)[name](dtype), place, AlwaysSparse() if name in SPARSE else None)
        space = f"engine{place.name}"
        text += amalgamated(place, space)
        calls += f"  report({space}::engine_input(), {space}::engine_output(), {space}::engine_invoke);\n"
    main = _MAIN.replace("PRINT", PRINT).replace("RUNS", str(RUNS)).replace("CALLS", calls)
    with running(text + main) as (_, terminal):
        lines = {case: terminal.read_until(b"\n") for case in CASES}
    return {case: (places[case] / "model.tflite", bytes(map(int, lines[case].split()))) for case in CASES}


def _inputs(elements: int, dtype: str) -> np.ndarray:
    state, numbers = 1, []
    for _ in range(RUNS * elements):
        state = (state * 1664525 + 1013904223) % (1 << 32)
        numbers.append(state >> 24)
    drawn = np.array(numbers, "u1").view("i1").reshape(RUNS, elements)
    return drawn if dtype == "i1" else (drawn / np.float32(32)).astype("f4")


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_outputs_equal_those_of_the_reference_kernels(results, case):
    model, outputs = results[case]
    (source,) = read_tflite(model).input_tensors
    expected = tflite_reference(model.read_bytes(), _inputs(source.elements, case[1])).reshape(-1)
    compare(np.frombuffer(outputs, expected.dtype), expected)

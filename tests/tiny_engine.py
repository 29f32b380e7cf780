"""A small model artifact and engine, for tests that need any engine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.firmware.engine import Engine, EngineSources

ENGINE_CPP = """\
// Output i = the largest of the input elements i, i + labels, i + 2 labels, …; of floats a 32nd, below 1.
// Scribbles over its input, as engines that reuse memory do.
#include "engine.h"
#include "variant.h"

namespace earshot {{

namespace {{
using Element = {element};
alignas(8) Element input[kInputBytes / sizeof(Element)];
alignas(8) Element output[kLabelCount];
constexpr uint32_t kElements = kInputBytes / sizeof(Element);
}}  // namespace

const char kEngineName[] = "tiny";
const char kEngineKernels[] = "largest";
bool engine_begin() {{ return {begins}; }}
TensorView engine_input() {{
  return {{input, kInputBytes, ElementType::{type}, {input_scale}f, kInputZeroPoint}};
}}
TensorView engine_output() {{
  return {{output, sizeof(output), ElementType::{type}, {output_scale}f, {output_zero_point}}};
}}
bool engine_invoke() {{
  for (int label = 0; label < kLabelCount; ++label) {{
    Element largest = input[label];
    for (uint32_t i = label; i < kElements; i += kLabelCount) {{
      if (input[i] > largest) largest = input[i];
    }}
    output[label] = largest{divided};
  }}
  for (auto& element : input) element = 77;
  return true;
}}
uint32_t engine_arena_bytes() {{ return sizeof(input) + sizeof(output); }}

}}  // namespace earshot
"""


@dataclass(frozen=True)
class TinyEngine(Engine):
    """An engine that generates ENGINE_CPP for any model of `tiny_model`."""

    name = "tiny"

    begins: bool = True

    def generate(self, tflite: Path, out: Path) -> EngineSources:
        facts = json.loads((tflite.parent / "model.json").read_text())
        quantized = facts["input"]["dtype"] == "int8"
        (out / "engine.cpp").write_text(
            ENGINE_CPP.format(
                element="int8_t" if quantized else "float",
                divided="" if quantized else " / 32",
                type="kInt8" if quantized else "kFloat32",
                begins="true" if self.begins else "false",
                input_scale=float(facts["input"]["scale"] or 0),
                output_scale=float(facts["output"]["scale"] or 0),
                output_zero_point=facts["output"]["zero_point"] or 0,
            )
        )
        return EngineSources(kernels="largest", arena_bytes=0)


@dataclass(frozen=True)
class TinyModel:
    """The part of a model artifact that a build reads: a folder with model.tflite and model.json."""

    path: Path
    name = "tiny.tflite"

    @property
    def tflite(self) -> Path:
        return self.path / "model.tflite"


def tiny_model(
    folder: Path,
    *,
    labels: tuple[str, ...] = ("silence", "unknown", "yes", "no"),
    precision: str = "int8",
    elements: int = 1960,
    **changes: Any,
) -> TinyModel:
    """Write an artifact into `folder`; `changes` replace entries of model.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tflite = f"{labels} {precision} {elements}".encode()
    (folder / "model.tflite").write_bytes(tflite)
    quantized = precision == "int8"
    facts = {
        "schema": 1,
        "id": "tiny",
        "labels": list(labels),
        "precision": precision,
        "tflite_sha256": hashlib.sha256(tflite).hexdigest(),
        "input": {
            "shape": [1, elements],
            "dtype": precision,
            "scale": 26 / 256 if quantized else None,
            "zero_point": -128 if quantized else None,
        },
        "output": {
            "shape": [1, len(labels)],
            "dtype": precision,
            "scale": 1 / 256 if quantized else None,
            "zero_point": -128 if quantized else None,
        },
    }
    (folder / "model.json").write_text(json.dumps(facts | changes))
    return TinyModel(folder)

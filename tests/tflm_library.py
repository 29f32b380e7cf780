"""TensorFlow Lite Micro for tests: outlines of its headers, and the real library if installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.firmware.arduino_library import ArduinoLibrary, read_library

_MICRO = "tensorflow/lite/micro"

_RESOLVER = """\
#pragma once
#include "micro_interpreter.h"
namespace tflite {{
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {{
 public:
  explicit MicroMutableOpResolver({reporter}) {{}}
  TfLiteStatus AddCustom(const char* name) {{ return kTfLiteOk; }}
  TfLiteStatus AddFullyConnected(
      const TfLiteRegistration& registration = Register_FULLY_CONNECTED()) {{
    return AddBuiltin(BuiltinOperator_FULLY_CONNECTED, registration);
  }}
  TfLiteStatus AddSoftmax() {{
    return AddBuiltin(BuiltinOperator_SOFTMAX,
                      Register_SOFTMAX());
  }}
  TfLiteStatus AddVarHandle() {{
    return AddBuiltin(BuiltinOperator_VAR_HANDLE, Register_SOFTMAX());
  }}
  TfLiteStatus AddDetectionPostprocess() {{ return AddCustom("TFLite_Detection_PostProcess"); }}

 private:
  TfLiteStatus AddBuiltin(int op, const TfLiteRegistration& registration) {{ return kTfLiteOk; }}
}};
}}  // namespace tflite
"""

_INTERPRETER = """\
#pragma once
#include <cstddef>
#include <cstdint>
{schema_version}
enum TfLiteType {{ kTfLiteFloat32 = 1, kTfLiteInt8 = 9 }};
enum TfLiteStatus {{ kTfLiteOk, kTfLiteError }};
struct TfLiteQuantizationParams {{ float scale; int32_t zero_point; }};
struct TfLiteTensor {{
  TfLiteType type;
  union {{ void* data; }} data;
  TfLiteQuantizationParams params;
  size_t bytes;
}};
struct TfLiteRegistration {{ int builtin_code; }};
namespace tflite {{
constexpr int BuiltinOperator_FULLY_CONNECTED = 9, BuiltinOperator_SOFTMAX = 25,
              BuiltinOperator_VAR_HANDLE = 142;
struct Model {{ uint32_t version() const {{ return 3; }} }};
struct MicroOpResolver {{}};
struct MicroProfilerInterface {{}};
struct ErrorReporter {{}};
struct MicroAllocator;
struct MicroResourceVariables;
const TfLiteRegistration& Register_FULLY_CONNECTED();
const TfLiteRegistration& Register_SOFTMAX();
class MicroInterpreter {{
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& op_resolver,
                   uint8_t* tensor_arena, size_t tensor_arena_size,
                   {reporter}MicroProfilerInterface* profiler = nullptr);
  MicroInterpreter(const Model* model, const MicroOpResolver& op_resolver, MicroAllocator* allocator,
                   MicroResourceVariables* resource_variables = nullptr);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(size_t index);
  TfLiteTensor* output(size_t index);
  size_t inputs_size() const;
  size_t outputs_size() const;
  size_t arena_used_bytes() const;
}};
}}  // namespace tflite
"""

_VARIABLES = """\
#pragma once
#include "micro_interpreter.h"
namespace tflite {
struct MicroAllocator {
  static MicroAllocator* Create(uint8_t* tensor_arena, size_t arena_size);
};
struct MicroResourceVariables {
  static MicroResourceVariables* Create(MicroAllocator* allocator, int num_variables);
};
}  // namespace tflite
"""
_VERSION = "#define TFLITE_SCHEMA_VERSION (3)\n"
_SCHEMA = """\
#pragma once
#include "tensorflow/lite/micro/micro_interpreter.h"
namespace tflite {
inline const Model* GetModel(const void* bytes) { return static_cast<const Model*>(bytes); }
}  // namespace tflite
"""
_REPORTER = """\
#pragma once
#include "micro_interpreter.h"
namespace tflite { struct MicroErrorReporter : ErrorReporter {}; }
"""


def library_outline(
    folder: Path,
    name: str = "Arduino_TensorFlowLite",
    version: str = "2.4.0-ALPHA",
    *,
    takes_reporter: bool = False,
    cmsis_revision: str = "",
) -> Path:
    """Write the parts of the headers that engine.cpp and its generator read; return the folder.

    Args:
        folder: the library's folder.
        name: name in library.properties.
        version: version in library.properties.
        takes_reporter: True for an interface of 2020, which reports errors to an object.
        cmsis_revision: revision of arm_nnfunctions.h, with a kernel for SOFTMAX; "" for none.
    """
    files = {
        "library.properties": f"name={name}\nversion={version}\nauthor=A = B\n",
        "src/TensorFlowLite.h": "",
        f"src/{_MICRO}/micro_interpreter.h": _INTERPRETER.format(
            schema_version="" if takes_reporter else _VERSION,
            reporter="ErrorReporter* error_reporter,\n                   " if takes_reporter else "",
        ),
        f"src/{_MICRO}/micro_mutable_op_resolver.h": _RESOLVER.format(
            reporter="ErrorReporter* error_reporter = nullptr" if takes_reporter else ""
        ),
        "src/tensorflow/lite/schema/schema_generated.h": _SCHEMA,
    }
    if not takes_reporter:
        files[f"src/{_MICRO}/micro_resource_variable.h"] = _VARIABLES
    if takes_reporter:
        files["src/tensorflow/lite/version.h"] = _VERSION
        files[f"src/{_MICRO}/micro_error_reporter.h"] = _REPORTER
    if cmsis_revision:
        files[f"src/{_MICRO}/kernels/cmsis_nn/softmax.cpp"] = "TfLiteRegistration Register_SOFTMAX() {}\n"
        files["src/third_party/cmsis_nn/Include/arm_nnfunctions.h"] = f" * $Revision:    V.{cmsis_revision}\n"
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def real_library() -> ArduinoLibrary:
    """Return the library at $EARSHOT_TFLM; skip the test if that is not set."""
    folder = os.environ.get("EARSHOT_TFLM")
    if not folder:
        pytest.skip("EARSHOT_TFLM does not name a copy of TensorFlow Lite Micro for Arduino")
    library = read_library(Path(folder))
    assert library is not None, f"EARSHOT_TFLM names {folder}, where no library is"
    return library

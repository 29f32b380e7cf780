// What the sketch asks of an inference engine, whichever engine was built in.
//
// The definitions are generated beside this header (engine.cpp) from a .tflite model.
#pragma once

#include <cstdint>

namespace earshot {

enum class ElementType : uint8_t { kInt8, kFloat32 };

// An input or output tensor where it lies in the engine's memory.
// Real value of an int8 element q: (q - zero_point) * scale. Float elements stand for themselves.
struct TensorView {
  void* data;
  uint32_t bytes;
  ElementType type;
  float scale;
  int32_t zero_point;
};

extern const char kEngineName[];     // such as "codegen"
extern const char kEngineKernels[];  // such as "reference"

// Checks everything that can be wrong, so that nothing is checked in an invocation.
bool engine_begin();

TensorView engine_input();
TensorView engine_output();

bool engine_invoke();

// Memory for activations, in bytes.
uint32_t engine_arena_bytes();

}  // namespace earshot

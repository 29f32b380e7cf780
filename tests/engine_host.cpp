// A generated engine as C functions for a test on the host.
#include <cstring>

#include "engine.h"

extern "C" {

bool begin() { return earshot::engine_begin(); }

// count inputs, one after the other, to as many outputs
void run(const unsigned char* inputs, unsigned char* outputs, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const earshot::TensorView input = earshot::engine_input();
    std::memcpy(input.data, inputs + i * input.bytes, input.bytes);
    earshot::engine_invoke();
    const earshot::TensorView output = earshot::engine_output();
    std::memcpy(outputs + i * output.bytes, output.data, output.bytes);
  }
}

void describe(bool is_output, earshot::TensorView* view) {
  *view = is_output ? earshot::engine_output() : earshot::engine_input();
}

const char* name() { return earshot::kEngineName; }
const char* kernels() { return earshot::kEngineKernels; }
uint32_t arena_bytes() { return earshot::engine_arena_bytes(); }
}

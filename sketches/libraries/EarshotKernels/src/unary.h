// Functions of single elements: any of int8 by a table; RELU and its relatives, LOGISTIC, TANH,
// HARD_SWISH and LEAKY_RELU of float32. The output may lie over the input.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "output_stage.h"

namespace earshot {
namespace kernels {

// Op: kElements
// table: outputs for the inputs -128 to 127
template <class Op>
inline void look_up(const int8_t* input, const int8_t* table, int8_t* output) {
  for (int i = 0; i < Op::kElements; ++i) output[i] = table[input[i] + 128];
}

// Op: kElements, and the members that finish() of float32 asks for
template <class Op>
inline void clamp_all(const float* input, float* output) {
  for (int i = 0; i < Op::kElements; ++i) output[i] = finish<Op>(input[i], FloatChannel{});
}

// Op: kElements
template <class Op>
inline void logistic(const float* input, float* output) {
  for (int i = 0; i < Op::kElements; ++i) output[i] = 1.0f / (1.0f + std::exp(-input[i]));
}

// Op: kElements
template <class Op>
inline void tanh(const float* input, float* output) {
  for (int i = 0; i < Op::kElements; ++i) output[i] = std::tanh(input[i]);
}

// Op: kElements
template <class Op>
inline void hard_swish(const float* input, float* output) {
  for (int i = 0; i < Op::kElements; ++i) {
    const float x = input[i];
    output[i] = x * clamp(x + 3.0f, 0.0f, 6.0f) / 6.0f;
  }
}

// Op: kElements, kAlpha
template <class Op>
inline void leaky_relu(const float* input, float* output) {
  for (int i = 0; i < Op::kElements; ++i) {
    const float x = input[i];
    output[i] = x > 0.0f ? x : x * Op::kAlpha;
  }
}

}  // namespace kernels
}  // namespace earshot

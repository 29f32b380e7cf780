// QUANTIZE, from float32 and from int8 of another scale, and DEQUANTIZE.
#pragma once

#include <cmath>
#include <cstdint>

#include "fixed_point.h"
#include "output_stage.h"

namespace earshot {
namespace kernels {

// Op: kElements, kScale, kZeroPoint: of the output
template <class Op>
inline void quantize(const float* input, int8_t* output) {
  for (int i = 0; i < Op::kElements; ++i) {
    // Limited before it becomes an integer, where larger numbers would not fit.
    const float rounded = clamp(std::round(input[i] / Op::kScale), -1024.0f, 1024.0f);
    output[i] = static_cast<int8_t>(
        clamp<int32_t>(static_cast<int32_t>(rounded) + Op::kZeroPoint, -128, 127));
  }
}

// Op: kElements, kInputZeroPoint, kOutputZeroPoint, kMultiplier, kLeftShift, kRightShift
template <class Op>
inline void requantize(const int8_t* input, int8_t* output) {
  for (int i = 0; i < Op::kElements; ++i) {
    const int32_t scaled =
        scale_by(input[i] - Op::kInputZeroPoint, Op::kMultiplier, Op::kLeftShift, Op::kRightShift);
    output[i] = static_cast<int8_t>(clamp<int32_t>(scaled + Op::kOutputZeroPoint, -128, 127));
  }
}

// Op: kElements, kScale, kZeroPoint: of the input
template <class Op>
inline void dequantize(const int8_t* input, float* output) {
  for (int i = 0; i < Op::kElements; ++i) {
    output[i] = Op::kScale * static_cast<float>(input[i] - Op::kZeroPoint);
  }
}

}  // namespace kernels
}  // namespace earshot

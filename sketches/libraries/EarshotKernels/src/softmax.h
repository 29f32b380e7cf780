// SOFTMAX over the last dimension for int8 and float32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "fixed_point.h"

namespace earshot {
namespace kernels {

// Op: kRows, kDepth, kBeta
template <class Op>
inline void softmax(const float* input, float* output) {
  for (int row = 0; row < Op::kRows; ++row) {
    const float largest = *std::max_element(input, input + Op::kDepth);
    float sum = 0;
    for (int i = 0; i < Op::kDepth; ++i) {
      output[i] = std::exp((input[i] - largest) * Op::kBeta);
      sum += output[i];
    }
    for (int i = 0; i < Op::kDepth; ++i) output[i] /= sum;
    input += Op::kDepth;
    output += Op::kDepth;
  }
}

// The output has a scale of 1/256 and a zero point of -128.
// Op: kRows, kDepth: [1, 4096]; kMultiplier, kLeftShift: scale * beta in Q5.26; kLeastDifference:
// what is further below the largest input counts as 0
template <class Op>
inline void softmax(const int8_t* input, int8_t* output) {
  constexpr int kSumIntegerBits = 12;
  const auto exponential = [](int32_t difference) {
    return exponential_of_negative(
        doubling_high_multiply(difference * (1 << Op::kLeftShift), Op::kMultiplier));
  };
  for (int row = 0; row < Op::kRows; ++row) {
    const int32_t largest = *std::max_element(input, input + Op::kDepth);
    int32_t sum = 0;  // Q12.19
    for (int i = 0; i < Op::kDepth; ++i) {
      const int32_t difference = input[i] - largest;
      if (difference >= Op::kLeastDifference) {
        sum += rounding_shift_right(exponential(difference), kSumIntegerBits);
      }
    }
    const int headroom = __builtin_clz(static_cast<uint32_t>(sum));      // the sum is 1 or more
    const uint32_t normalized = static_cast<uint32_t>(sum) << headroom;  // [1, 2) in Q1.31
    const int32_t scale =
        reciprocal_of_one_plus(static_cast<int32_t>(normalized - (uint32_t{1} << 31)));
    const int shift = kSumIntegerBits - headroom + 31 - 8;
    for (int i = 0; i < Op::kDepth; ++i) {
      const int32_t difference = input[i] - largest;
      int32_t share = 0;
      if (difference >= Op::kLeastDifference) {
        share = rounding_shift_right(doubling_high_multiply(scale, exponential(difference)), shift);
      }
      output[i] = static_cast<int8_t>(std::min<int32_t>(share - 128, 127));
    }
    input += Op::kDepth;
    output += Op::kDepth;
  }
}

}  // namespace kernels
}  // namespace earshot

// AVERAGE_POOL_2D for int8 and float32; the average is over the taps within the image.
#pragma once

#include <algorithm>
#include <cstdint>

#include "output_stage.h"

namespace earshot {
namespace kernels {

// To the nearest, halves away from zero.
inline int32_t average(int32_t sum, int32_t count) {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}
inline float average(float sum, int32_t count) { return sum / static_cast<float>(count); }

// Op: kBatches, kInputHeight, kInputWidth, kInputChannels, kOutputHeight, kOutputWidth,
// kFilterHeight, kFilterWidth, kStrideHeight, kStrideWidth, kPadTop, kPadLeft, kActivationMin,
// kActivationMax Sum: int32_t for int8, float for float
template <class Op, class Sum, class Element>
inline void average_pool_2d(const Element* input, Element* output) {
  constexpr int kRow = Op::kInputWidth * Op::kInputChannels;
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    for (int row = 0; row < Op::kOutputHeight; ++row) {
      const int first_row = row * Op::kStrideHeight - Op::kPadTop;
      const int row_begin = std::max(first_row, 0);
      const int row_end = std::min<int>(first_row + Op::kFilterHeight, Op::kInputHeight);
      for (int column = 0; column < Op::kOutputWidth; ++column) {
        const int first_column = column * Op::kStrideWidth - Op::kPadLeft;
        const int column_begin = std::max(first_column, 0);
        const int column_end = std::min<int>(first_column + Op::kFilterWidth, Op::kInputWidth);
        const int count = (row_end - row_begin) * (column_end - column_begin);
        for (int channel = 0; channel < Op::kInputChannels; ++channel) {
          Sum sum = 0;
          for (int y = row_begin; y < row_end; ++y) {
            const Element* x = input + y * kRow + column_begin * Op::kInputChannels + channel;
            for (int i = column_begin; i < column_end; ++i, x += Op::kInputChannels) sum += *x;
          }
          *output++ = static_cast<Element>(
              clamp<Sum>(average(sum, count), Op::kActivationMin, Op::kActivationMax));
        }
      }
    }
    input += Op::kInputHeight * kRow;
  }
}

}  // namespace kernels
}  // namespace earshot

// AVERAGE_POOL_2D for int8 images of a multiple of four channels: four at a time, in halves of
// words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "pool_2d.h"
#include "simd_s8.h"

namespace earshot {
namespace kernels {

// Op: the members that average_pool_2d() asks for. kInputChannels: a multiple of 4; a window has at
// most 255 pixels, whose sum fits 16 bits
template <class Op>
inline void avgpool_s8(const int8_t* input, int8_t* output) {
#if defined(__ARM_FEATURE_DSP)
  static_assert(Op::kInputChannels % 4 == 0 && Op::kFilterHeight * Op::kFilterWidth <= 255);
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
        for (int channel = 0; channel < Op::kInputChannels; channel += 4) {
          uint32_t even = 0, odd = 0;
          for (int y = row_begin; y < row_end; ++y) {
            const int8_t* x = input + y * kRow + column_begin * Op::kInputChannels + channel;
#pragma GCC unroll 4
            for (int i = column_begin; i < column_end; ++i, x += Op::kInputChannels) {
              uint32_t bytes;
              std::memcpy(&bytes, x, sizeof bytes);
              asm("sxtab16 %0, %0, %1" : "+r"(even) : "r"(bytes));
              asm("sxtab16 %0, %0, %1, ror #8" : "+r"(odd) : "r"(bytes));
            }
          }
          for (int32_t sum : {low_of(even), low_of(odd), high_of(even), high_of(odd)}) {
            *output++ = static_cast<int8_t>(
                clamp<int32_t>(average(sum, count), Op::kActivationMin, Op::kActivationMax));
          }
        }
      }
    }
    input += Op::kInputHeight * kRow;
  }
#else
  average_pool_2d<Op, int32_t>(input, output);
#endif
}

}  // namespace kernels
}  // namespace earshot

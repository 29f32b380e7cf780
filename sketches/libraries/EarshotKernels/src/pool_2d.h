// AVERAGE_POOL_2D and MAX_POOL_2D for int8 and float32; only taps within the image count.
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

namespace internal {

// Calls `pool` with the first tap, the rows and columns of the window, and the output, for each
// kChannels neighboring channels.
template <class Op, int kChannels, class Element, class Pool>
EARSHOT_INLINE void for_windows(const Element* input, Element* output, Pool&& pool) {
  static_assert(Op::kInputChannels % kChannels == 0);
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
        const Element* first = input + row_begin * kRow + column_begin * Op::kInputChannels;
        for (int channel = 0; channel < Op::kInputChannels; channel += kChannels) {
          pool(first + channel, row_end - row_begin, column_end - column_begin, output);
          output += kChannels;
        }
      }
    }
    input += Op::kInputHeight * kRow;
  }
}

// Calls `take` with the place of each tap of a window.
template <class Op, class Element, class Take>
EARSHOT_INLINE void for_taps(const Element* first, int rows, int columns, Take&& take) {
  for (int y = 0; y < rows; ++y) {
    const Element* x = first + y * Op::kInputWidth * Op::kInputChannels;
#pragma GCC unroll 4
    for (int i = 0; i < columns; ++i, x += Op::kInputChannels) take(x);
  }
}

}  // namespace internal

// Op: kBatches, kInputHeight, kInputWidth, kInputChannels, kOutputHeight, kOutputWidth,
// kFilterHeight, kFilterWidth, kStrideHeight, kStrideWidth, kPadTop, kPadLeft, kActivationMin,
// kActivationMax Sum: int32_t for int8, float for float
template <class Op, class Sum, class Element>
inline void average_pool_2d(const Element* input, Element* output) {
  internal::for_windows<Op, 1>(
      input, output,
      [](const Element* first, int rows, int columns, Element* to) __attribute__((always_inline)) {
        Sum sum = 0;
        internal::for_taps<Op>(first, rows, columns, [&](const Element* x) { sum += *x; });
        *to = static_cast<Element>(
            clamp<Sum>(average(sum, rows * columns), Op::kActivationMin, Op::kActivationMax));
      });
}

// Op: that of average_pool_2d()
template <class Op, class Element>
inline void max_pool_2d(const Element* input, Element* output) {
  internal::for_windows<Op, 1>(
      input, output,
      [](const Element* first, int rows, int columns, Element* to) __attribute__((always_inline)) {
        Element most = *first;
        internal::for_taps<Op>(first, rows, columns,
                               [&](const Element* x) { most = std::max(most, *x); });
        *to = clamp<Element>(most, Op::kActivationMin, Op::kActivationMax);
      });
}

}  // namespace kernels
}  // namespace earshot

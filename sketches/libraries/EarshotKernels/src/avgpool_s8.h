// AVERAGE_POOL_2D for int8 images of a multiple of four channels: four at a time, in halves of
// words.
#pragma once

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
  static_assert(Op::kFilterHeight * Op::kFilterWidth <= 255);
  internal::for_windows<Op, 4>(
      input, output,
      [](const int8_t* first, int rows, int columns, int8_t* to) __attribute__((always_inline)) {
        uint32_t even = 0, odd = 0;
        internal::for_taps<Op>(first, rows, columns, [&](const int8_t* x) {
          uint32_t bytes;
          std::memcpy(&bytes, x, sizeof bytes);
          asm("sxtab16 %0, %0, %1" : "+r"(even) : "r"(bytes));
          asm("sxtab16 %0, %0, %1, ror #8" : "+r"(odd) : "r"(bytes));
        });
        for (int32_t sum : {low_of(even), low_of(odd), high_of(even), high_of(odd)}) {
          *to++ = static_cast<int8_t>(
              clamp<int32_t>(average(sum, rows * columns), Op::kActivationMin, Op::kActivationMax));
        }
      });
#else
  average_pool_2d<Op, int32_t>(input, output);
#endif
}

}  // namespace kernels
}  // namespace earshot

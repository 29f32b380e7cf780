// ADD and MUL for int8 and float32, with broadcast dimensions. The output may lie over the first
// input if that is not broadcast.
#pragma once

#include <cstdint>

#include "fixed_point.h"
#include "output_stage.h"

namespace earshot {
namespace kernels {

namespace internal {

// Op: kSizes[4]; kFirstSteps[4], kSecondSteps[4]: distances of elements in the inputs, 0 where one
// is broadcast
template <class Op, class Element, class Function>
EARSHOT_INLINE void for_pairs(const Element* first, const Element* second, Element* output,
                              Function&& function) {
  for (int a = 0; a < Op::kSizes[0]; ++a) {
    for (int b = 0; b < Op::kSizes[1]; ++b) {
      for (int c = 0; c < Op::kSizes[2]; ++c) {
        const Element* x =
            first + a * Op::kFirstSteps[0] + b * Op::kFirstSteps[1] + c * Op::kFirstSteps[2];
        const Element* y =
            second + a * Op::kSecondSteps[0] + b * Op::kSecondSteps[1] + c * Op::kSecondSteps[2];
        for (int d = 0; d < Op::kSizes[3]; ++d) {
          *output++ = function(*x, *y);
          x += Op::kFirstSteps[3];
          y += Op::kSecondSteps[3];
        }
      }
    }
  }
}

}  // namespace internal

// Op: those of for_pairs(), and the members that finish() asks for
template <class Op>
inline void add(const float* first, const float* second, float* output) {
  internal::for_pairs<Op>(
      first, second, output, [](float x, float y) __attribute__((always_inline)) {
        return finish<Op>(x + y, FloatChannel{});
      });
}

// Op: those of for_pairs(), and the members that finish() asks for
template <class Op>
inline void mul(const float* first, const float* second, float* output) {
  internal::for_pairs<Op>(
      first, second, output, [](float x, float y) __attribute__((always_inline)) {
        return finish<Op>(x * y, FloatChannel{});
      });
}

// Op: those of for_pairs(), kActivationMin, kActivationMax; k…ZeroPoint, k…Multiplier,
// k…RightShift of First and Second, scaled to twice the larger scale times 2^-20, and of Output
template <class Op>
inline void add(const int8_t* first, const int8_t* second, int8_t* output) {
  constexpr int kLeftShift = 20;
  internal::for_pairs<Op>(
      first, second, output, [](int32_t x, int32_t y) __attribute__((always_inline)) {
        const int32_t scaled_x = rounding_shift_right(
            doubling_high_multiply_small((x - Op::kFirstZeroPoint) * (1 << kLeftShift),
                                         Op::kFirstMultiplier),
            Op::kFirstRightShift);
        const int32_t scaled_y = rounding_shift_right(
            doubling_high_multiply_small((y - Op::kSecondZeroPoint) * (1 << kLeftShift),
                                         Op::kSecondMultiplier),
            Op::kSecondRightShift);
        const int32_t sum = rounding_shift_right(
            doubling_high_multiply_small(scaled_x + scaled_y, Op::kOutputMultiplier),
            Op::kOutputRightShift);
        return clamp_to_int8<Op::kActivationMin, Op::kActivationMax>(sum + Op::kOutputZeroPoint);
      });
}

// Op: those of for_pairs(), kActivationMin, kActivationMax, kFirstZeroPoint, kSecondZeroPoint,
// kOutputZeroPoint, kMultiplier, kLeftShift, kRightShift
template <class Op>
inline void mul(const int8_t* first, const int8_t* second, int8_t* output) {
  internal::for_pairs<Op>(
      first, second, output, [](int32_t x, int32_t y) __attribute__((always_inline)) {
        const int32_t scaled = scale_by((x - Op::kFirstZeroPoint) * (y - Op::kSecondZeroPoint),
                                        Op::kMultiplier, Op::kLeftShift, Op::kRightShift);
        return clamp_to_int8<Op::kActivationMin, Op::kActivationMax>(scaled + Op::kOutputZeroPoint);
      });
}

}  // namespace kernels
}  // namespace earshot

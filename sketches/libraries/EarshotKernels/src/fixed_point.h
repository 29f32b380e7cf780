// Fixed-point arithmetic with the roundings of TensorFlow Lite's reference kernels.
//
// Bit-exact with gemmlowp (fixedpoint/fixedpoint.h) and with MultiplyByQuantizedMultiplier as
// TensorFlow Lite is built by default: rounded twice, once after the product and once after the
// shift. Shifts of negative numbers are arithmetic, as GCC and Clang define them.
#pragma once

#include <cstdint>

namespace earshot {
namespace kernels {

// a * b / 2^31, to the nearest, halves up. Not both may be -2^31.
// gemmlowp divides (a * b + nudge) by 2^31 towards zero with a nudge of 2^30, or 1 - 2^30 for a
// negative product; both are this floor.
inline int32_t doubling_high_multiply(int32_t a, int32_t b) {
  const int64_t product = static_cast<int64_t>(a) * b;
  return static_cast<int32_t>((product + (int64_t{1} << 30)) >> 31);
}

// The same for a in (-2^30, 2^30): one instruction does it with 2 * a, where there is one.
inline int32_t doubling_high_multiply_small(int32_t a, int32_t b) {
#if defined(__ARM_FEATURE_DSP)
  int32_t result;
  asm("smmulr %0, %1, %2" : "=r"(result) : "r"(a * 2), "r"(b));
  return result;
#else
  return doubling_high_multiply(a, b);
#endif
}

// x / 2^exponent, to the nearest, halves away from zero. exponent: [0, 31]
inline int32_t rounding_shift_right(int32_t x, int exponent) {
  const auto mask = static_cast<int32_t>((uint32_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = static_cast<int32_t>(static_cast<uint32_t>(mask) >> 1) + (x < 0);
  return (x >> exponent) + (remainder > threshold);
}

// x * 2^exponent, limited to the range of 32 bits. exponent: [0, 30]
inline int32_t saturating_shift_left(int32_t x, int exponent) {
  const int32_t most = INT32_MAX >> exponent;
  if (x > most) return INT32_MAX;
  if (x < -most - 1) return INT32_MIN;
  return static_cast<int32_t>(static_cast<uint32_t>(x) << exponent);
}

// x * 2^left_shift * multiplier / 2^31 / 2^right_shift. multiplier: 0 or [2^30, 2^31);
// left_shift, right_shift: [0, 31], one of them 0; the first product wraps around in 32 bits.
inline int32_t scale_by(int32_t x, int32_t multiplier, int left_shift, int right_shift) {
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left_shift);
  return rounding_shift_right(doubling_high_multiply(shifted, multiplier), right_shift);
}

// e^x for x <= 0 in Q5.26; the result is in Q0.31, where 1 is 2^31 - 1.
// gemmlowp's exp_on_negative_values: a Taylor series within a quarter, then one factor for each bit
// of what is left.
inline int32_t exponential_of_negative(int32_t x) {
  constexpr int kFractionBits = 26;
  constexpr int32_t kQuarter = 1 << (kFractionBits - 2);
  if (x == 0) return INT32_MAX;
  const int32_t within = (x & (kQuarter - 1)) - kQuarter;  // [-1/4, 0)

  constexpr int32_t kExpOfMinusEighth = 1895147668;  // Q0.31
  constexpr int32_t kThird = 715827883;              // Q0.31
  const int32_t y = within * 32 + (1 << 28);         // Q0.31, from the series' center at -1/8
  const int32_t y2 = doubling_high_multiply(y, y);
  const int32_t y3 = doubling_high_multiply(y2, y);
  const int32_t y4 = doubling_high_multiply(y2, y2);
  const int32_t upper_terms = rounding_shift_right(
      doubling_high_multiply(rounding_shift_right(y4, 2) + y3, kThird) + y2, 1);
  int32_t result = kExpOfMinusEighth + doubling_high_multiply(kExpOfMinusEighth, y + upper_terms);

  // e^-(2^(i-2)) in Q0.31
  constexpr int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                  39332535,   720401,     242};
  const auto quarters = static_cast<uint32_t>(within - x) >> (kFractionBits - 2);
  for (int i = 0; i < 7; ++i) {
    if (quarters >> i & 1) result = doubling_high_multiply(result, kFactors[i]);
  }
  return result;
}

// 1 / (1 + x) for x in [0, 1), both in Q0.31; gemmlowp's one_over_one_plus_x_for_x_in_0_1.
inline int32_t reciprocal_of_one_plus(int32_t x) {
  constexpr int32_t k48Over17 = 1515870810;        // Q2.29
  constexpr int32_t kMinus32Over17 = -1010580540;  // Q2.29
  constexpr int32_t kOne = 1 << 29;                // Q2.29
  // (x + 1) / 2 rounded half up, where gemmlowp's 1 is 2^31 - 1
  const auto half_denominator = static_cast<int32_t>((static_cast<int64_t>(x) + INT32_MAX + 1) / 2);
  int32_t y = k48Over17 + doubling_high_multiply(half_denominator, kMinus32Over17);
  for (int step = 0; step < 3; ++step) {  // Newton and Raphson
    const int32_t error = kOne - doubling_high_multiply(half_denominator, y);
    y += saturating_shift_left(doubling_high_multiply(y, error), 2);
  }
  return saturating_shift_left(y, 1);
}

}  // namespace kernels
}  // namespace earshot

// From a sum of products to an output element: bias, scale, zero point, activation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "fixed_point.h"
#include "products.h"

namespace earshot {
namespace kernels {

// How the sums of one int8 output channel are finished.
struct Int8Channel {
  int32_t bias;        // of the model, less input zero point times the sum of the weights
  int32_t multiplier;  // 0 or [2^30, 2^31)
  int8_t left_shift;   // [0, 30]
  int8_t right_shift;  // [0, 31]; one of the shifts is 0
};

// The same in fewer instructions, for channels whose sums stay within (-2^30, 2^30) whatever the
// input, and whose factor is below 1/2.
struct SmallInt8Channel {
  int32_t bias;
  int32_t multiplier;   // [2^30, 2^31)
  int32_t offset;       // the output's zero point and a half, times 2^right_shift
  int32_t right_shift;  // [1, 31]
};

// SmallInt8Channel in 9 bytes instead of 16, for images in which flash is short.
struct __attribute__((packed)) PackedInt8Channel {
  int32_t bias;
  int32_t multiplier;
  int8_t right_shift;
};

// How the sums of an output channel become int8: as SmallInt8Channel, for sums of doubled weights,
// which one instruction less multiplies, see simd_s8.h.
struct DoubledChannel {
  int32_t bias;         // twice the model's
  int32_t multiplier;   // [2^30, 2^31)
  int32_t offset;       // the output's zero point and a half, times 2^right_shift
  int32_t right_shift;  // [1, 31]
};

struct FloatChannel {
  float bias;
};

template <class Value>
inline Value clamp(Value value, Value least, Value most) {
  return std::min(std::max(value, least), most);
}

template <int kLeast, int kMost>
EARSHOT_INLINE int8_t clamp_to_int8(int32_t value) {
#if defined(__ARM_FEATURE_SAT)
  if constexpr (kLeast == -128 && kMost == 127) {
    int32_t result;
    asm("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return static_cast<int8_t>(result);
  }
#endif
  return static_cast<int8_t>(clamp<int32_t>(value, kLeast, kMost));
}

// The output before the activation's limits.
EARSHOT_INLINE int32_t scaled(uint32_t sum, const Int8Channel& channel, int32_t zero_point) {
  return scale_by(static_cast<int32_t>(sum), channel.multiplier, channel.left_shift,
                  channel.right_shift) +
         zero_point;
}
EARSHOT_INLINE int32_t scaled(uint32_t sum, const SmallInt8Channel& channel, int32_t) {
  const int32_t high = doubling_high_multiply_small(static_cast<int32_t>(sum), channel.multiplier);
  // Halves of negative numbers are rounded down: away from zero.
  return (high + (high >> 31) + channel.offset) >> channel.right_shift;
}
EARSHOT_INLINE int32_t scaled(uint32_t sum, const PackedInt8Channel& channel, int32_t zero_point) {
  const int shift = channel.right_shift;
  const int32_t offset = zero_point * (1 << shift) + (1 << (shift - 1));
  return scaled(sum, SmallInt8Channel{channel.bias, channel.multiplier, offset, shift}, zero_point);
}
EARSHOT_INLINE float scaled(float sum, const FloatChannel&, int32_t) { return sum; }

// Op: kOutputZeroPoint, kActivationMin, kActivationMax: [-128, 127]
template <class Op, class Channel>
EARSHOT_INLINE int8_t finish(uint32_t sum, const Channel& channel) {
  return clamp_to_int8<Op::kActivationMin, Op::kActivationMax>(
      scaled(sum, channel, Op::kOutputZeroPoint));
}

// Op: kActivationMin, kActivationMax, infinite where the activation has no limit
template <class Op>
EARSHOT_INLINE float finish(float sum, const FloatChannel&) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMin = Op::kActivationMin;  // in C++14 a member would need a definition
  constexpr float kMax = Op::kActivationMax;
  if constexpr (kMin > -kInfinity) sum = std::max(sum, kMin);
  if constexpr (kMax < kInfinity) sum = std::min(sum, kMax);
  return sum;
}

template <class Channel>
inline uint32_t start(const Channel& channel) {
  return static_cast<uint32_t>(channel.bias);
}
inline float start(const FloatChannel& channel) { return channel.bias; }

// Computes kOutputs neighboring output elements. `add` adds all products to the array of sums
// that it is given.
template <class Op, int kOutputs, class Element, class Channel, class Add>
EARSHOT_INLINE void produce(const Channel* channels, Element* output, Add&& add) {
  typename Products<Element>::Sum sums[kOutputs];
  unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) { sums[i] = start(channels[i]); });
  add(sums);
  unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
    output[i] = finish<Op>(sums[i], channels[i]);
  });
}

}  // namespace kernels
}  // namespace earshot

// Pairs of int16 in a word, and the steps of int8 kernels that work on them.
//
// On a Cortex-M4 each function is one instruction that stays where it is written: the kernels put
// their loads side by side, where the processor pipelines them (technical reference manual, 3.3.2),
// and the compiler would not. On a host the same kernels run on plain C++.
#pragma once

#include <cstdint>
#include <cstring>

#include "output_stage.h"
#include "products.h"

namespace earshot {
namespace kernels {

// The word, two int16, that lies kOffset bytes behind `from`.
template <int kOffset>
EARSHOT_INLINE uint32_t load_word(const int16_t* from) {
#if defined(__ARM_FEATURE_DSP)
  using Word = uint32_t __attribute__((may_alias));
  const auto* word = reinterpret_cast<const Word*>(reinterpret_cast<const char*>(from) + kOffset);
  uint32_t value;
  asm volatile("ldr %0, %1" : "=r"(value) : "m"(*word));
  return value;
#else
  uint32_t value;
  std::memcpy(&value, reinterpret_cast<const char*>(from) + kOffset, sizeof value);
  return value;
#endif
}

// The same value, in a register from here on: where many are spilled, one load then serves them
// all.
template <class Value>
EARSHOT_INLINE Value in_register(Value value) {
#if defined(__ARM_FEATURE_DSP)
  asm volatile("" : "+r"(value));
#endif
  return value;
}

constexpr int32_t low_of(uint32_t pair) { return static_cast<int16_t>(pair & 0xFFFF); }
constexpr int32_t high_of(uint32_t pair) { return static_cast<int16_t>(pair >> 16); }

// Which halves of two words are multiplied: both pairs, or one half of each.
enum class Halves { kBoth, kLowLow, kLowHigh, kHighLow, kHighHigh };

// sum + x * w; sums wrap around.
template <Halves kHalves>
EARSHOT_INLINE uint32_t multiply_add(uint32_t x, uint32_t w, uint32_t sum) {
  uint32_t result;
#if defined(__ARM_FEATURE_DSP)
#define EARSHOT_MULTIPLY(halves, name) \
  if constexpr (kHalves == halves)     \
  asm volatile(name " %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(w), "r"(sum))
  EARSHOT_MULTIPLY(Halves::kBoth, "smlad");
  EARSHOT_MULTIPLY(Halves::kLowLow, "smlabb");
  EARSHOT_MULTIPLY(Halves::kLowHigh, "smlabt");
  EARSHOT_MULTIPLY(Halves::kHighLow, "smlatb");
  EARSHOT_MULTIPLY(Halves::kHighHigh, "smlatt");
#undef EARSHOT_MULTIPLY
#else
  result = sum;
  if constexpr (kHalves == Halves::kBoth) {
    result += static_cast<uint32_t>(low_of(x) * low_of(w)) +
              static_cast<uint32_t>(high_of(x) * high_of(w));
  } else {
    constexpr bool kXHigh = kHalves == Halves::kHighLow || kHalves == Halves::kHighHigh;
    constexpr bool kWHigh = kHalves == Halves::kLowHigh || kHalves == Halves::kHighHigh;
    result += static_cast<uint32_t>((kXHigh ? high_of(x) : low_of(x)) *
                                    (kWHigh ? high_of(w) : low_of(w)));
  }
#endif
  return result;
}

// Op: kActivationMin, kActivationMax: [-128, 127]
// kSigned: false where a negative sum becomes kActivationMin in any case
// kRightShift: of all channels; 0 where they differ
template <class Op>
EARSHOT_INLINE int8_t requantized(uint32_t sum, int32_t multiplier, int32_t offset, int shift) {
  constexpr bool kSigned = Op::kActivationMin < Op::kOutputZeroPoint;
  const auto doubled = static_cast<int32_t>(sum);
  // Halves of negative numbers are rounded down: away from zero. Where the product alone rounds to
  // 0 the half is still enough.
  if constexpr (kSigned) offset += doubled >> 31;
  int32_t scaled;
#if defined(__ARM_FEATURE_DSP)
  asm("smmlar %0, %1, %2, %3" : "=r"(scaled) : "r"(doubled), "r"(multiplier), "r"(offset));
  if constexpr (Op::kActivationMin == -128 && Op::kActivationMax == 127) {
    int32_t result;
    if constexpr (Op::kRightShift > 0) {
      asm("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(scaled), "i"(Op::kRightShift));
    } else {
      asm("ssat %0, #8, %1" : "=r"(result) : "r"(scaled >> shift));
    }
    return static_cast<int8_t>(result);
  }
#else
  scaled = static_cast<int32_t>(
      offset + ((static_cast<int64_t>(doubled) * multiplier + (int64_t{1} << 31)) >> 32));
#endif
  if constexpr (Op::kRightShift > 0) shift = Op::kRightShift;
  return clamp_to_int8<Op::kActivationMin, Op::kActivationMax>(scaled >> shift);
}

// Writes outputs that lie kApart elements apart; their DoubledChannel lies kChannel bytes behind w.
template <class Op, int kApart, int kChannel, int kOutputs>
EARSHOT_INLINE void store_outputs(const uint32_t (&sums)[kOutputs], const int16_t* w,
                                  int8_t* output) {
  output = in_register(output);
  const auto multiplier = static_cast<int32_t>(load_word<kChannel + 4>(w));
  const auto offset = static_cast<int32_t>(load_word<kChannel + 8>(w));
  int shift = 0;
  if constexpr (Op::kRightShift == 0) shift = static_cast<int>(load_word<kChannel + 12>(w));
  unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
    output[i * kApart] = requantized<Op>(sums[i], multiplier, offset, shift);
  });
}

// The place of an element where the second and the third of every four are exchanged.
constexpr int exchanged(int place) {
  return place % 4 == 1 ? place + 1 : place % 4 == 2 ? place - 1 : place;
}

// kCount elements less their zero point.
template <int kZeroPoint, int kCount>
inline void widen(const int8_t* from, int16_t* to) {
#if defined(__ARM_FEATURE_DSP)
  constexpr int kBy4 = kCount / 4 * 4;
  constexpr uint32_t kMinus = static_cast<uint16_t>(-kZeroPoint) * 0x10001u;
#pragma GCC unroll 2
  for (int i = 0; i < kBy4; i += 4) {
    uint32_t bytes, even, odd, first, second;
    std::memcpy(&bytes, from + i, sizeof bytes);
    asm("sxtab16 %0, %1, %2" : "=r"(even) : "r"(kMinus), "r"(bytes));
    asm("sxtab16 %0, %1, %2, ror #8" : "=r"(odd) : "r"(kMinus), "r"(bytes));
    asm("pkhbt %0, %1, %2, lsl #16" : "=r"(first) : "r"(even), "r"(odd));
    asm("pkhtb %0, %1, %2, asr #16" : "=r"(second) : "r"(odd), "r"(even));
    std::memcpy(to + i, &first, sizeof first);
    std::memcpy(to + i + 2, &second, sizeof second);
  }
#else
  constexpr int kBy4 = 0;
#endif
  for (int i = kBy4; i < kCount; ++i) to[i] = static_cast<int16_t>(from[i] - kZeroPoint);
}

// The same with the second and the third of every four exchanged. kCount: a multiple of 4
template <int kZeroPoint, int kCount>
inline void widen_exchanged(const int8_t* from, int16_t* to) {
  static_assert(kCount % 4 == 0);
#if defined(__ARM_FEATURE_DSP)
  constexpr uint32_t kMinus = static_cast<uint16_t>(-kZeroPoint) * 0x10001u;
#pragma GCC unroll 4
  for (int i = 0; i < kCount; i += 4) {
    uint32_t bytes, even, odd;
    std::memcpy(&bytes, from + i, sizeof bytes);
    asm("sxtab16 %0, %1, %2" : "=r"(even) : "r"(kMinus), "r"(bytes));
    asm("sxtab16 %0, %1, %2, ror #8" : "=r"(odd) : "r"(kMinus), "r"(bytes));
    std::memcpy(to + i, &even, sizeof even);
    std::memcpy(to + i + 2, &odd, sizeof odd);
  }
#else
  for (int i = 0; i < kCount; ++i) to[i] = static_cast<int16_t>(from[exchanged(i)] - kZeroPoint);
#endif
}

// Sets kWords words to 0. A barrier keeps the compiler from calling a library function: newlib's
// small memset and memcpy go byte by byte.
template <int kWords>
inline void clear_words(void* to) {
  constexpr uint32_t kZero = 0;
  auto* target = static_cast<char*>(to);
#pragma GCC unroll 4
  for (int i = 0; i < kWords; ++i) {
    std::memcpy(target + 4 * i, &kZero, sizeof kZero);
    asm volatile("" ::: "memory");
  }
}

// Copies kWords words, the first ones first.
template <int kWords>
inline void move_words(void* to, const void* from) {
  constexpr int kAtOnce = 8;
  auto* target = static_cast<char*>(to);
  auto* source = static_cast<const int16_t*>(from);
  const auto move = [&](auto count) __attribute__((always_inline)) {
    uint32_t words[count];
    unrolled<count>([&](auto i) __attribute__((always_inline)) {
      words[i] = load_word<4 * decltype(i)::value>(source);
    });
    unrolled<count>([&](auto i) __attribute__((always_inline)) {
      std::memcpy(target + 4 * i, &words[i], sizeof words[i]);
    });
    target += 4 * count, source += 2 * count;
  };
  for (int i = 0; i < kWords / kAtOnce; ++i) move(std::integral_constant<int, kAtOnce>{});
  if constexpr (kWords % kAtOnce > 0) move(std::integral_constant<int, kWords % kAtOnce>{});
}

// Doubles weights and widens them to `words` words of int16; of every four the second and the third
// are exchanged in flash. An odd number of words ends with two weights beside two that are not
// used.
inline void widen_weights(const int8_t* weights, int words, int16_t* doubled) {
  for (int i = 0; i < words; i += 2) {
#if defined(__ARM_FEATURE_DSP)
    const Pairs pairs = load_pairs(weights + 2 * i);
    uint32_t first, second;
    asm("sadd16 %0, %1, %1" : "=r"(first) : "r"(pairs.even));
    asm("sadd16 %0, %1, %1" : "=r"(second) : "r"(pairs.odd));
    std::memcpy(doubled + 2 * i, &first, sizeof first);
    if (i + 1 < words) std::memcpy(doubled + 2 * i + 2, &second, sizeof second);
#else
    for (int k = 0; k < (i + 1 < words ? 4 : 2); ++k) {
      doubled[2 * i + k] = static_cast<int16_t>(2 * weights[2 * i + exchanged(k)]);
    }
#endif
  }
}

}  // namespace kernels
}  // namespace earshot

// A filter that slides along rows of one channel, widened to int16: sums of neighboring outputs.
//
// Neighbors share the words that they load. Where an output begins at an odd element, pairs of
// weights that begin at the second weight fit the words; what is left at both ends is multiplied
// by halves. A stride of an odd number of elements has outputs of both kinds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "simd_s8.h"

namespace earshot {
namespace kernels {

// Some taps of a filter's row whose weights stay in registers.
// kTaps: of the row's part; kStride: elements from one output to the next
template <int kTaps, int kStride>
struct SlidingTaps {
  static constexpr bool kOdd = kStride % 2 != 0;
  // Words of weights: (0, 1), (2, 3) …, for odd strides (1, 2), (3, 4) … after them. A last
  // weight that is in no pair is paired with 0.
  static constexpr int kEvenPairs = kTaps / 2;
  static constexpr int kOddPairs = kOdd ? (kTaps - 1) / 2 : 0;
  static constexpr bool kLastAlone = kTaps % 2 != 0 && (kTaps == 1 || !kOdd);
  static constexpr int kWords = kEvenPairs + kOddPairs + (kLastAlone ? 1 : 0);

  // The product of a word that begins at kFirstTap of an output: which weights, which halves.
  static constexpr int word(int first_tap) {
    if (first_tap < 0) return 0;
    if (first_tap == kTaps - 1) return kWords - 1 - (kTaps % 2 == 0 ? kOddPairs : 0);
    return first_tap % 2 == 0 ? first_tap / 2 : kEvenPairs + first_tap / 2;
  }
  static constexpr Halves halves(int first_tap) {
    if (first_tap < 0) return Halves::kHighLow;
    if (first_tap < kTaps - 1 || !kOdd) return Halves::kBoth;
    return kLastAlone ? Halves::kLowLow : Halves::kLowHigh;
  }
  static constexpr bool meets(int first_tap) { return first_tap >= -1 && first_tap < kTaps; }
};

// Adds the products of kTaps taps to kOutputs sums. x: the first output's first tap, at a word
template <int kTaps, int kStride, int kX, int kW, int kOutputs>
EARSHOT_INLINE void add_sliding_taps(const int16_t* x, const int16_t* w,
                                     uint32_t (&sums)[kOutputs]) {
  using Taps = SlidingTaps<kTaps, kStride>;
  constexpr int kXWords = ((kOutputs - 1) * kStride + kTaps + 1) / 2;
  // Two of the 14 registers hold the pointers.
  constexpr int kLoaded = std::max(1, 12 - kOutputs - Taps::kWords);
  uint32_t weights[Taps::kWords];
  unrolled<Taps::kWords>([&](auto i) __attribute__((always_inline)) {
    weights[i] = load_word<kW + 4 * decltype(i)::value>(w);
  });
  unrolled<(kXWords + kLoaded - 1) / kLoaded>([&](auto group) __attribute__((always_inline)) {
    constexpr int kFirst = decltype(group)::value * kLoaded;
    constexpr int kCount = std::min(kLoaded, kXWords - kFirst);
    uint32_t words[kCount];
    unrolled<kCount>([&](auto i) __attribute__((always_inline)) {
      words[i] = load_word<kX + 4 * (kFirst + decltype(i)::value)>(x);
    });
    unrolled<kCount>([&](auto i) __attribute__((always_inline)) {
      unrolled<kOutputs>([&](auto output) __attribute__((always_inline)) {
        constexpr int kOutput = decltype(output)::value;
        constexpr int kTap = 2 * (kFirst + decltype(i)::value) - kOutput * kStride;
        if constexpr (Taps::meets(kTap)) {
          sums[kOutput] =
              multiply_add<Taps::halves(kTap)>(words[i], weights[Taps::word(kTap)], sums[kOutput]);
        }
      });
    });
  });
}

// A filter's row in parts of kPart taps.
template <int kTaps, int kStride>
struct SlidingRow {
  static constexpr int kPart = kStride % 2 == 0 ? 8 : kTaps == 5 ? 5 : 4;
  static constexpr int kParts = (kTaps + kPart - 1) / kPart;
  static constexpr int kLast = kTaps - (kParts - 1) * kPart;
  static constexpr int kPartBytes = 4 * SlidingTaps<kPart, kStride>::kWords;
  static constexpr int kBytes = (kParts - 1) * kPartBytes + 4 * SlidingTaps<kLast, kStride>::kWords;

  // kX, kW: bytes from the pointers on
  template <int kX, int kW, int kOutputs>
  static EARSHOT_INLINE void add(const int16_t* x, const int16_t* w, uint32_t (&sums)[kOutputs]) {
    unrolled<kParts - 1>([&](auto part) __attribute__((always_inline)) {
      constexpr int kPlace = decltype(part)::value;
      add_sliding_taps<kPart, kStride, kX + 2 * kPart * kPlace, kW + kPartBytes * kPlace>(x, w,
                                                                                          sums);
    });
    add_sliding_taps<kLast, kStride, kX + 2 * kPart*(kParts - 1), kW + kPartBytes*(kParts - 1)>(
        x, w, sums);
  }
};

}  // namespace kernels
}  // namespace earshot

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

// A channel's strip of some rows of the input, and the filters that slide along them.
// Op: kInputHeight, kInputWidth, kOutputHeight, kOutputWidth, kOutputChannels, kFilterHeight,
// kFilterWidth, kStrideHeight, kStrideWidth, kPadTop, kPadLeft, kPadValue: the input's zero point,
// kStripOutputs: rows of outputs for which the strip has all rows, and the members that
// requantized() asks for
template <class Op>
struct Sliding {
  using Row = SlidingRow<Op::kFilterWidth, Op::kStrideWidth>;

  // Columns that some output looks at, and those of them that the image fills. The padding right of
  // a row is the one left of the next.
  static constexpr int kColumns = (Op::kOutputWidth - 1) * Op::kStrideWidth + Op::kFilterWidth;
  static constexpr int kCopied = std::max(0, std::min(Op::kInputWidth, kColumns - Op::kPadLeft));
  static constexpr int kPadding = std::max<int>(Op::kPadLeft, kColumns - kCopied - Op::kPadLeft);
  static constexpr int kStripWidth = (kCopied + kPadding + 1) / 2 * 2;
  static constexpr int kStripRows = (Op::kStripOutputs - 1) * Op::kStrideHeight + Op::kFilterHeight;
  static constexpr int kStripElements =
      ((kStripRows - 1) * kStripWidth + std::max(kColumns, kStripWidth) + 1) / 2 * 2;
  // Rows that the next outputs look at too.
  static constexpr int kMovedRows = Op::kStripOutputs * Op::kStrideHeight;
  static constexpr int kStay = std::max(0, kStripRows - kMovedRows);

  // A filter in memory: its DoubledChannel, and its weights.
  static constexpr int kWeightBytes = Op::kFilterHeight * Row::kBytes;
  static constexpr int kFlashBytes = (kWeightBytes / 2 + 3) / 4 * 4;
  static constexpr int kFilterElements =
      (static_cast<int>(sizeof(DoubledChannel)) + kWeightBytes) / 2;

  // The first row of the filter that is not on padding, and how many are not.
  static constexpr int first_filter_row(int output_row) {
    return std::max(0, Op::kPadTop - output_row * Op::kStrideHeight);
  }
  static constexpr int filter_rows(int output_row) {
    const int above = Op::kPadTop - output_row * Op::kStrideHeight;
    return std::max(0, std::min(Op::kFilterHeight, Op::kInputHeight + above) - std::max(0, above));
  }
  // Rows of outputs from kFirstWhole to kEndWhole look at all rows of the filter.
  static constexpr int kFirstWhole = (Op::kPadTop + Op::kStrideHeight - 1) / Op::kStrideHeight;
  static constexpr int kEndWhole =
      Op::kInputHeight + Op::kPadTop < Op::kFilterHeight
          ? 0
          : (Op::kInputHeight + Op::kPadTop - Op::kFilterHeight) / Op::kStrideHeight + 1;
  static constexpr bool some_row_has(int filter_rows_of_it) {
    for (int row = 0; row < Op::kOutputHeight; ++row) {
      if (filter_rows(row) == filter_rows_of_it) return true;
    }
    return false;
  }

  // `count` times kBlocks times kOutputs neighboring outputs.
  // x: the first output's first row of the strip that is no padding; skipped: bytes of the rows of
  // the filter that are; kRows: its other rows
  // kNextX, kNextFilter, kNextOutput: elements from one time to the next
  template <int kOutputs, int kBlocks, int kRows, int kNextX, int kNextFilter, int kNextOutput>
  static EARSHOT_OWN_REGISTERS void blocks(const int16_t* first, const int16_t* filter,
                                           int8_t* output, int skipped, int count) {
    constexpr int kWeights = static_cast<int>(sizeof(DoubledChannel));
    do {
      const int16_t* x = first;
      int8_t* to = output;
      for (int block = kBlocks; block > 0; --block) {
        // As if they changed: the compiler would keep every address of the loop that does not.
        x = in_register(x);
        const int16_t* w = in_register(filter);
        uint32_t sums[kOutputs];
        const uint32_t bias = load_word<0>(w);
        unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) { sums[i] = bias; });
        if constexpr (kRows < Op::kFilterHeight) w += skipped / 2;
        unrolled<kRows>([&](auto row) __attribute__((always_inline)) {
          constexpr int kRow = decltype(row)::value;
          Row::template add<2 * kRow * kStripWidth, kWeights + kRow * Row::kBytes>(x, w, sums);
        });
        if constexpr (kRows < Op::kFilterHeight) w -= skipped / 2;
        store_outputs<Op, Op::kOutputChannels, 0>(sums, w, to);
        to += kOutputs * Op::kOutputChannels;
        x += kOutputs * Op::kStrideWidth;
      }
      first += kNextX, filter += kNextFilter, output += kNextOutput;
    } while (--count > 0);
  }

  // `count` times a row of outputs. Blocks begin at words: with an odd stride, after an even number
  // of outputs.
  template <int kNextX, int kNextFilter, int kNextOutput>
  static EARSHOT_INLINE void output_rows(const int16_t* x, const int16_t* filter, int8_t* output,
                                         int output_row, int count) {
    constexpr int kWidth = Op::kOutputWidth;
    constexpr bool kOddStride = Op::kStrideWidth % 2 != 0;
    constexpr int kMost = kOddStride ? 4 : 5;
    constexpr int kBlocks =
        kOddStride && kWidth > 4 && kWidth % 4 == 1 ? kWidth / 4 - 1 : kWidth / kMost;
    constexpr int kLast = kWidth - kBlocks * kMost;
    const int rows = filter_rows(output_row);
    const int skipped = first_filter_row(output_row) * Row::kBytes;
    x += first_filter_row(output_row) * kStripWidth;
    unrolled<Op::kFilterHeight + 1>([&](auto of_filter) __attribute__((always_inline)) {
      constexpr int kRows = decltype(of_filter)::value;
      if constexpr (some_row_has(kRows)) {
        if (rows != kRows) return;
        if constexpr (kBlocks > 0) {
          blocks<kMost, kBlocks, kRows, kNextX, kNextFilter, kNextOutput>(x, filter, output,
                                                                          skipped, count);
        }
        if constexpr (kLast > 0) {
          blocks<kLast, 1, kRows, kNextX, kNextFilter, kNextOutput>(
              x + kBlocks * kMost * Op::kStrideWidth, filter,
              output + kBlocks * kMost * Op::kOutputChannels, skipped, count);
        }
      }
    });
  }

  // Puts `count` filters into memory.
  static void load_filters(const int8_t* weights, const DoubledChannel* channels, int count,
                           int16_t* to) {
    for (int i = 0; i < count; ++i) {
      std::memcpy(to, channels + i, sizeof(DoubledChannel));
      widen_weights(weights, kWeightBytes / 4, to + sizeof(DoubledChannel) / 2);
      weights += kFlashBytes, to += kFilterElements;
    }
  }
};

}  // namespace kernels
}  // namespace earshot

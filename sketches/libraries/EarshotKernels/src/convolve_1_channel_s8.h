// CONV_2D for int8 images of one channel: five neighboring outputs of a channel at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "sliding_s8.h"

namespace earshot {
namespace kernels {

// Op: kBatches, kInputHeight, kInputWidth, kOutputHeight, kOutputWidth, kOutputChannels,
// kFilterHeight, kFilterWidth, kStrideHeight, kStrideWidth, kPadTop, kPadLeft, kPadValue: the
// input's zero point, kStripOutputs: rows of outputs for which the strip has all rows, and the
// members that requantized() asks for
template <class Op>
struct Convolve1Channel {
  using Row = SlidingRow<Op::kFilterWidth, Op::kStrideWidth>;
  static constexpr int kColumns = (Op::kOutputWidth - 1) * Op::kStrideWidth + Op::kFilterWidth;
  static constexpr int kStripWidth = (kColumns + 1) / 2 * 2;
  static constexpr int kStripRows = (Op::kStripOutputs - 1) * Op::kStrideHeight + Op::kFilterHeight;
  static constexpr int kStripElements = kStripRows * kStripWidth;
  static constexpr int kChannelElements = Op::kFilterHeight * Row::kBytes / 2;
  static constexpr int kWeights = (Op::kOutputChannels * kChannelElements + 3) / 4 * 4;
  static constexpr int kScratchBytes = 2 * (kStripElements + kWeights);

  // The first row of the filter that is not on padding, and how many are not.
  static constexpr int first_filter_row(int output_row) {
    return std::max(0, Op::kPadTop - output_row * Op::kStrideHeight);
  }
  static constexpr int filter_rows(int output_row) {
    const int above = Op::kPadTop - output_row * Op::kStrideHeight;
    return std::max(0, std::min(Op::kFilterHeight, Op::kInputHeight + above) - std::max(0, above));
  }
  static constexpr bool some_row_has(int filter_rows_of_it) {
    for (int row = 0; row < Op::kOutputHeight; ++row) {
      if (filter_rows(row) == filter_rows_of_it) return true;
    }
    return false;
  }

  // All channels of some neighboring outputs of a row, kOutputs at a time, kBlocks times.
  // x: the first row of the strip that is no padding; w: that row of the first channel's filter
  // kRows: of the filter, the others lie on padding
  template <int kOutputs, int kBlocks, int kRows>
  static EARSHOT_OWN_REGISTERS void blocks(const int16_t* first, const int16_t* w,
                                           const DoubledChannel* channels, int8_t* first_output) {
    for (int channel = 0; channel < Op::kOutputChannels; ++channel) {
      const DoubledChannel own = channels[channel];  // of flash, which is slow
      const int16_t* x = first;
      int8_t* output = first_output + channel;
      for (int block = kBlocks; block > 0; --block) {
        // As if they changed: the compiler would keep every address of the loop that does not.
        x = in_register(x), w = in_register(w);
        uint32_t sums[kOutputs];
        unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) { sums[i] = own.bias; });
        unrolled<kRows>([&](auto row) __attribute__((always_inline)) {
          constexpr int kRow = decltype(row)::value;
          Row::template add<2 * kRow * kStripWidth, kRow * Row::kBytes>(x, w, sums);
        });
        output = store_outputs<Op, Op::kOutputChannels>(sums, own, output);
        x += kOutputs * Op::kStrideWidth;
      }
      w += kChannelElements;
    }
  }

  // A row of outputs of all channels. Blocks begin at words: with an odd stride, after an even
  // number of outputs.
  template <int kRows>
  static EARSHOT_INLINE void output_row(const int16_t* x, const int16_t* w,
                                        const DoubledChannel* channels, int8_t* output) {
    constexpr int kWidth = Op::kOutputWidth;
    constexpr bool kOddStride = Op::kStrideWidth % 2 != 0;
    constexpr int kMost = kOddStride ? 4 : 5;
    constexpr int kBlocks =
        kOddStride && kWidth > 4 && kWidth % 4 == 1 ? kWidth / 4 - 1 : kWidth / kMost;
    constexpr int kLast = kWidth - kBlocks * kMost;
    if constexpr (kBlocks > 0) blocks<kMost, kBlocks, kRows>(x, w, channels, output);
    if constexpr (kLast > 0) {
      blocks<kLast, 1, kRows>(x + kBlocks * kMost * Op::kStrideWidth, w, channels,
                              output + kBlocks * kMost * Op::kOutputChannels);
    }
  }

  // Fills the strip's rows from kFirst on for outputs from output_row on.
  static void fill_strip(const int8_t* image, int output_row, int first, int16_t* strip) {
    constexpr int kCopied = std::max(0, std::min(Op::kInputWidth, kColumns - Op::kPadLeft));
    for (int i = first; i < kStripRows; ++i) {
      const int row = output_row * Op::kStrideHeight - Op::kPadTop + i;
      if (row < 0 || row >= Op::kInputHeight) continue;  // no filter row looks at it
      widen<Op::kPadValue, kCopied>(image + row * Op::kInputWidth,
                                    strip + i * kStripWidth + Op::kPadLeft);
    }
  }

  static void run(const int8_t* image, const int16_t* weights, const DoubledChannel* channels,
                  int8_t* output, int16_t* strip) {
    constexpr int kMoved = Op::kStripOutputs * Op::kStrideHeight;
    constexpr int kStay = std::max(0, kStripRows - kMoved);
    int ready = 0;
    for (int first = 0; first < Op::kOutputHeight; first += Op::kStripOutputs) {
      fill_strip(image, first, ready, strip);
      const int last = std::min<int>(first + Op::kStripOutputs, Op::kOutputHeight);
      for (int row = first; row < last; ++row) {
        const int begin = first_filter_row(row);
        const int16_t* x = strip + ((row - first) * Op::kStrideHeight + begin) * kStripWidth;
        const int16_t* w = weights + begin * Row::kBytes / 2;
        const int rows = filter_rows(row);
        unrolled<Op::kFilterHeight + 1>([&](auto count) __attribute__((always_inline)) {
          if constexpr (some_row_has(decltype(count)::value)) {
            if (rows == count) output_row<decltype(count)::value>(x, w, channels, output);
          }
        });
        output += Op::kOutputWidth * Op::kOutputChannels;
      }
      move_words<kStay * kStripWidth / 2>(strip, strip + kMoved * kStripWidth);
      ready = kStay;
    }
  }
};

// weights: rows of SlidingRow of each channel, narrowed for widen_weights()
// scratch: kScratchBytes of memory
template <class Op>
inline void convolve_1_channel_s8(const int8_t* input, const int8_t* weights,
                                  const DoubledChannel* channels, int8_t* output,
                                  int16_t* scratch) {
  using Convolution = Convolve1Channel<Op>;
  int16_t* widened = scratch + Convolution::kStripElements;
  clear_words<Convolution::kStripElements / 2>(scratch);
  widen_weights<Convolution::kWeights>(weights, widened);
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    Convolution::run(input, widened, channels, output, scratch);
    input += Op::kInputHeight * Op::kInputWidth;
    output += Op::kOutputHeight * Op::kOutputWidth * Op::kOutputChannels;
  }
}

}  // namespace kernels
}  // namespace earshot

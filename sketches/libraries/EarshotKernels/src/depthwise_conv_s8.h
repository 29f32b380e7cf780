// DEPTHWISE_CONV_2D for int8 images: four channels at a time are laid out as images of one channel.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sliding_s8.h"

namespace earshot {
namespace kernels {

// Op: the members that Sliding asks for, kBatches, kInputChannels, kMultiplier: outputs of a
// channel
template <class Op>
struct DepthwiseConv : Sliding<Op> {
  using Base = Sliding<Op>;
  static constexpr int kPlanes = std::min(4, Op::kInputChannels);
  static constexpr int kScratchBytes =
      2 * (kPlanes * Base::kStripElements + kPlanes * Op::kMultiplier * Base::kFilterElements);

  // A row of kCount channels to as many planes.
  template <int kCount>
  static void spread_row(const int8_t* from, int16_t* to) {
    int i = 0;
#if defined(__ARM_FEATURE_DSP)
    if constexpr (kCount == 4) {
      constexpr uint32_t kMinus = static_cast<uint16_t>(-Op::kPadValue) * 0x10001u;
#pragma GCC unroll 4
      for (; i < Base::kCopied; ++i, from += Op::kInputChannels, ++to) {
        uint32_t bytes, even, odd;
        std::memcpy(&bytes, from, sizeof bytes);
        asm("sxtab16 %0, %1, %2" : "=r"(even) : "r"(kMinus), "r"(bytes));
        asm("sxtab16 %0, %1, %2, ror #8" : "=r"(odd) : "r"(kMinus), "r"(bytes));
        to[0] = static_cast<int16_t>(even);
        to[Base::kStripElements] = static_cast<int16_t>(odd);
        to[2 * Base::kStripElements] = static_cast<int16_t>(even >> 16);
        to[3 * Base::kStripElements] = static_cast<int16_t>(odd >> 16);
      }
    }
#endif
    for (; i < Base::kCopied; ++i, from += Op::kInputChannels, ++to) {
      for (int plane = 0; plane < kCount; ++plane) {
        to[plane * Base::kStripElements] = static_cast<int16_t>(from[plane] - Op::kPadValue);
      }
    }
  }

  // kCount channels.
  template <int kCount>
  static void run(const int8_t* image, const int16_t* filters, int8_t* output, int16_t* strip) {
    int ready = 0;
    for (int first = 0; first < Op::kOutputHeight; first += Op::kStripOutputs) {
      for (int i = ready; i < Base::kStripRows; ++i) {
        const int row = first * Op::kStrideHeight - Op::kPadTop + i;
        if (row < 0 || row >= Op::kInputHeight) continue;  // no filter row looks at it
        spread_row<kCount>(image + row * Op::kInputWidth * Op::kInputChannels,
                           strip + i * Base::kStripWidth + Op::kPadLeft);
      }
      const int last = std::min<int>(first + Op::kStripOutputs, Op::kOutputHeight);
      for (int filter = 0; filter < kCount * Op::kMultiplier; ++filter) {
        const int16_t* plane = strip + filter / Op::kMultiplier * Base::kStripElements;
        for (int row = first, count; row < last; row += count) {
          const bool whole = row >= Base::kFirstWhole && row < Base::kEndWhole;
          count = whole ? std::min(last, Base::kEndWhole) - row : 1;
          Base::template output_rows<Op::kStrideHeight * Base::kStripWidth, 0,
                                     Op::kOutputWidth * Op::kOutputChannels>(
              plane + (row - first) * Op::kStrideHeight * Base::kStripWidth,
              filters + filter * Base::kFilterElements,
              output + row * Op::kOutputWidth * Op::kOutputChannels + filter, row, count);
        }
      }
      if constexpr (Base::kStay > 0) {
        for (int plane = 0; plane < kCount; ++plane) {
          int16_t* rows = strip + plane * Base::kStripElements;
          move_words<Base::kStay * Base::kStripWidth / 2>(
              rows, rows + Base::kMovedRows * Base::kStripWidth);
        }
      }
      ready = Base::kStay;
    }
  }

  // kCount channels of all images.
  template <int kCount>
  static void channels(const int8_t* input, const int8_t* weights, const DoubledChannel* channel,
                       int8_t* output, int16_t* scratch) {
    int16_t* filters = scratch + kPlanes * Base::kStripElements;
    Base::load_filters(weights, channel, kCount * Op::kMultiplier, filters);
    for (int batch = 0; batch < Op::kBatches; ++batch) {
      run<kCount>(input, filters, output, scratch);
      input += Op::kInputHeight * Op::kInputWidth * Op::kInputChannels;
      output += Op::kOutputHeight * Op::kOutputWidth * Op::kOutputChannels;
    }
  }
};

// weights: rows of SlidingRow of each filter, narrowed for widen_weights(), each filter filled up
// scratch: kScratchBytes of memory
template <class Op>
inline void depthwise_conv_s8(const int8_t* input, const int8_t* weights,
                              const DoubledChannel* channels, int8_t* output, int16_t* scratch) {
  using Convolution = DepthwiseConv<Op>;
  constexpr int kPlanes = Convolution::kPlanes, kFilters = kPlanes * Op::kMultiplier;
  constexpr int kLast = Op::kInputChannels % kPlanes;
  clear_words<kPlanes * Convolution::kStripElements / 2>(scratch);
  for (int group = 0; group < Op::kInputChannels / kPlanes; ++group) {
    Convolution::template channels<kPlanes>(input, weights, channels, output, scratch);
    input += kPlanes, output += kFilters, channels += kFilters;
    weights += kFilters * Convolution::kFlashBytes;
  }
  if constexpr (kLast > 0) {
    Convolution::template channels<kLast>(input, weights, channels, output, scratch);
  }
}

}  // namespace kernels
}  // namespace earshot

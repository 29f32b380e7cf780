// CONV_2D for int8 images of one channel: five neighboring outputs of a channel at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sliding_s8.h"

namespace earshot {
namespace kernels {

// Op: the members that Sliding asks for, kBatches
template <class Op>
struct Convolve1Channel : Sliding<Op> {
  using Base = Sliding<Op>;
  static constexpr int kScratchBytes =
      2 * (Base::kStripElements + Op::kOutputChannels * Base::kFilterElements);

  static void run(const int8_t* image, const int16_t* filters, int8_t* output, int16_t* strip) {
    int ready = 0;
    for (int first = 0; first < Op::kOutputHeight; first += Op::kStripOutputs) {
      for (int i = ready; i < Base::kStripRows; ++i) {
        const int row = first * Op::kStrideHeight - Op::kPadTop + i;
        if (row < 0 || row >= Op::kInputHeight) continue;  // no filter row looks at it
        widen<Op::kPadValue, Base::kCopied>(image + row * Op::kInputWidth,
                                            strip + i * Base::kStripWidth + Op::kPadLeft);
      }
      const int last = std::min<int>(first + Op::kStripOutputs, Op::kOutputHeight);
      for (int row = first; row < last; ++row) {
        Base::template output_rows<0, Base::kFilterElements, 1>(
            strip + (row - first) * Op::kStrideHeight * Base::kStripWidth, filters, output, row,
            Op::kOutputChannels);
        output += Op::kOutputWidth * Op::kOutputChannels;
      }
      move_words<Base::kStay * Base::kStripWidth / 2>(strip,
                                                      strip + Base::kMovedRows * Base::kStripWidth);
      ready = Base::kStay;
    }
  }
};

// weights: rows of SlidingRow of each filter, narrowed for widen_weights(), each filter filled up
// scratch: kScratchBytes of memory
template <class Op>
inline void convolve_1_channel_s8(const int8_t* input, const int8_t* weights,
                                  const DoubledChannel* channels, int8_t* output,
                                  int16_t* scratch) {
  using Convolution = Convolve1Channel<Op>;
  int16_t* filters = scratch + Convolution::kStripElements;
  clear_words<Convolution::kStripElements / 2>(scratch);
  Convolution::load_filters(weights, channels, Op::kOutputChannels, filters);
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    Convolution::run(input, filters, output, scratch);
    input += Op::kInputHeight * Op::kInputWidth;
    output += Op::kOutputHeight * Op::kOutputWidth * Op::kOutputChannels;
  }
}

}  // namespace kernels
}  // namespace earshot

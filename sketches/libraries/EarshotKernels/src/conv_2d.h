// CONV_2D for int8 and float32, images as (batch, row, column, channel).
#pragma once

#include "output_stage.h"
#include "products.h"
#include "window.h"

namespace earshot {
namespace kernels {

namespace internal {

// kOutputs neighboring channels of one output pixel; returns the weights of the next group.
template <class Op, int kOutputs, class Element, class Channel>
EARSHOT_OWN_REGISTERS const Element* conv_2d_group(const Element* window, const Element* weights,
                                                   const Channel* channels, Element* output) {
  using Rows = WindowRows<Op>;
  using Runs = FilterRuns<Op>;
  produce<Op, kOutputs>(
      channels, output, [&](auto& sums) __attribute__((always_inline)) {
        for (int row = 0; row < Op::kFilterHeight; ++row) {
          for (int run = 0; run < Runs::kAcross; ++run) {
            weights = add_run<Runs::kTaps>(window + row * Rows::kTapDown + run * Rows::kTapAcross,
                                           weights, sums);
          }
        }
      });
  return weights;
}

}  // namespace internal

// Op: the members that WindowRows and finish() ask for, kBatches, kOutputChannels
// weights: blocked, the runs of a filter row by row
// strip: WindowRows<Op>::kStripElements of memory
template <class Op, class Element, class Channel>
inline void conv_2d(const Element* input, const Element* weights, const Channel* channels,
                    Element* output, Element* strip) {
  constexpr int kLast = Op::kOutputChannels % kGroup;
  prepare_strip<Op>(strip);
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    for (int row = 0; row < Op::kOutputHeight; ++row) {
      const Element* window = window_row<Op>(input, row, strip);
      for (int column = 0; column < Op::kOutputWidth; ++column) {
        const Element* w = weights;
        const Channel* channel = channels;
        for (int group = 0; group < Op::kOutputChannels / kGroup; ++group) {
          w = internal::conv_2d_group<Op, kGroup>(window, w, channel, output);
          channel += kGroup;
          output += kGroup;
        }
        if constexpr (kLast > 0) {
          internal::conv_2d_group<Op, kLast>(window, w, channel, output);
          output += kLast;
        }
        window += WindowRows<Op>::kNextWindow;
      }
    }
    input += Op::kInputHeight * Op::kInputWidth * Op::kInputChannels;
  }
}

}  // namespace kernels
}  // namespace earshot

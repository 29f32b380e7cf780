// DEPTHWISE_CONV_2D for int8 and float32, images as (batch, row, column, channel).
#pragma once

#include "output_stage.h"
#include "products.h"
#include "window.h"

namespace earshot {
namespace kernels {

namespace internal {

// kOutputs neighboring channels of one output pixel. Output i comes from the window's channel i,
// or all come from channel 0 where the multiplier is above 1. weights: kGroup for each tap
template <class Op, int kOutputs, class Element, class Channel>
EARSHOT_OWN_REGISTERS void depthwise_group(const Element* window, const Element* weights,
                                           const Channel* channels, Element* output) {
  using Rows = WindowRows<Op>;
  using Sum = typename Products<Element>::Sum;
  produce<Op, kOutputs>(
      channels, output, [&](auto& sums) __attribute__((always_inline)) {
        for (int row = 0; row < Op::kFilterHeight; ++row) {
          const Element* x = window + row * Rows::kTapDown;
          repeated<Op::kFilterWidth>([&](int column) __attribute__((always_inline)) {
            const Element* tap = x + column * Rows::kTapAcross;
            if constexpr (Op::kMultiplier == 1) {
              Products<Element>::add_lanes(tap, weights, sums);
            } else {
              unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
                sums[i] += static_cast<Sum>(*tap * weights[i]);
              });
            }
            weights += kGroup;
          });
        }
      });
}

// A multiple of kGroup outputs and what is left of kCount, from `window` on.
template <class Op, int kCount, class Element, class Channel>
inline const Element* depthwise_channels(const Element* window, const Element* weights,
                                         const Channel* channels, Element* output) {
  constexpr int kLast = kCount % kGroup;
  constexpr int kGroupWeights = Op::kFilterHeight * Op::kFilterWidth * kGroup;
  for (int group = 0; group < kCount / kGroup; ++group) {
    depthwise_group<Op, kGroup>(window, weights, channels, output);
    if constexpr (Op::kMultiplier == 1) window += kGroup;
    weights += kGroupWeights;
    channels += kGroup;
    output += kGroup;
  }
  if constexpr (kLast > 0) {
    depthwise_group<Op, kLast>(window, weights, channels, output);
    weights += kGroupWeights;
  }
  return weights;
}

}  // namespace internal

// Op: the members that WindowRows and finish() ask for, kBatches, kMultiplier: outputs of a channel
// weights: for each group of up to four outputs of neighboring channels (of one channel where the
//     multiplier is above 1), for each tap: kGroup weights, filled up with 0
// strip: WindowRows<Op>::kStripElements of memory
template <class Op, class Element, class Channel>
inline void depthwise_conv_2d(const Element* input, const Element* weights, const Channel* channels,
                              Element* output, Element* strip) {
  constexpr int kOutputChannels = Op::kInputChannels * Op::kMultiplier;
  prepare_strip<Op>(strip);
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    for (int row = 0; row < Op::kOutputHeight; ++row) {
      const Element* window = window_row<Op>(input, row, strip);
      for (int column = 0; column < Op::kOutputWidth; ++column) {
        if constexpr (Op::kMultiplier == 1) {
          internal::depthwise_channels<Op, kOutputChannels>(window, weights, channels, output);
        } else {
          const Element* w = weights;
          for (int channel = 0; channel < Op::kInputChannels; ++channel) {
            const int first = channel * Op::kMultiplier;
            w = internal::depthwise_channels<Op, Op::kMultiplier>(window + channel, w,
                                                                  channels + first, output + first);
          }
        }
        window += WindowRows<Op>::kNextWindow;
        output += kOutputChannels;
      }
    }
    input += Op::kInputHeight * Op::kInputWidth * Op::kInputChannels;
  }
}

}  // namespace kernels
}  // namespace earshot

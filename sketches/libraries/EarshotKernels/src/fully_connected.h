// FULLY_CONNECTED for int8 and float32.
#pragma once

#include "output_stage.h"
#include "products.h"

namespace earshot {
namespace kernels {

namespace internal {

// kOutputs neighboring outputs of one row; returns the weights of the next group.
template <class Op, int kOutputs, class Element, class Channel>
EARSHOT_OWN_REGISTERS const Element* fully_connected_group(const Element* input,
                                                           const Element* weights,
                                                           const Channel* channels,
                                                           Element* output) {
  produce<Op, kOutputs>(
      channels, output, [&](auto& sums) __attribute__((always_inline)) {
        weights = add_run<Op::kInputs>(input, weights, sums);
      });
  return weights;
}

}  // namespace internal

// Op: kRows, kInputs, kOutputs, and the members that finish() asks for
// weights: blocked, one run of kInputs taps for each output
template <class Op, class Element, class Channel>
inline void fully_connected(const Element* input, const Element* weights, const Channel* channels,
                            Element* output) {
  constexpr int kLast = Op::kOutputs % kGroup;
  for (int row = 0; row < Op::kRows; ++row) {
    const Element* w = weights;
    const Channel* channel = channels;
    for (int group = 0; group < Op::kOutputs / kGroup; ++group) {
      w = internal::fully_connected_group<Op, kGroup>(input, w, channel, output);
      channel += kGroup;
      output += kGroup;
    }
    if constexpr (kLast > 0) {
      internal::fully_connected_group<Op, kLast>(input, w, channel, output);
      output += kLast;
    }
    input += Op::kInputs;
  }
}

}  // namespace kernels
}  // namespace earshot

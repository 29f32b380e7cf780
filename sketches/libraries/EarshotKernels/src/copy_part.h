// Copies of parts of tensors: TRANSPOSE, CONCATENATION, PACK, SPLIT, STRIDED_SLICE.
#pragma once

#include "window.h"

namespace earshot {
namespace kernels {

// Op: kSizes[4]; kSourceSteps[4], kTargetSteps[4]: distances of elements in input and output;
// kSourceBegin, kTargetBegin: the first ones
template <class Op, class Element>
inline void copy_part(const Element* input, Element* output) {
  for (int a = 0; a < Op::kSizes[0]; ++a) {
    for (int b = 0; b < Op::kSizes[1]; ++b) {
      for (int c = 0; c < Op::kSizes[2]; ++c) {
        const Element* x = input + Op::kSourceBegin + a * Op::kSourceSteps[0] +
                           b * Op::kSourceSteps[1] + c * Op::kSourceSteps[2];
        Element* y = output + Op::kTargetBegin + a * Op::kTargetSteps[0] + b * Op::kTargetSteps[1] +
                     c * Op::kTargetSteps[2];
        if constexpr (Op::kSourceSteps[3] == 1 && Op::kTargetSteps[3] == 1) {
          copy<Op::kSizes[3] * static_cast<int>(sizeof(Element))>(y, x);
        } else {
          for (int d = 0; d < Op::kSizes[3]; ++d) {
            *y = *x;
            x += Op::kSourceSteps[3];
            y += Op::kTargetSteps[3];
          }
        }
      }
    }
  }
}

}  // namespace kernels
}  // namespace earshot

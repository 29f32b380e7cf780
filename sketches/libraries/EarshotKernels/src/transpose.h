// TRANSPOSE of up to four dimensions.
#pragma once

namespace earshot {
namespace kernels {

// Op: kSizes[4]: of the output; kSteps[4]: in the input, for each dimension of the output
template <class Op, class Element>
inline void transpose(const Element* input, Element* output) {
  for (int a = 0; a < Op::kSizes[0]; ++a) {
    for (int b = 0; b < Op::kSizes[1]; ++b) {
      for (int c = 0; c < Op::kSizes[2]; ++c) {
        const Element* x = input + a * Op::kSteps[0] + b * Op::kSteps[1] + c * Op::kSteps[2];
        for (int d = 0; d < Op::kSizes[3]; ++d, x += Op::kSteps[3]) *output++ = *x;
      }
    }
  }
}

}  // namespace kernels
}  // namespace earshot

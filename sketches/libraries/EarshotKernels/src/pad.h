// PAD of up to four dimensions.
#pragma once

namespace earshot {
namespace kernels {

// Op: kSizes[4]: of the input; kBefore[4], kAfter[4]: what is added; kPadValue
template <class Op, class Element>
inline void pad(const Element* input, Element* output) {
  const auto outside = [](int dimension, int index) {
    return index < Op::kBefore[dimension] ||
           index >= Op::kBefore[dimension] + Op::kSizes[dimension];
  };
  const auto padded = [](int dimension) {
    return Op::kBefore[dimension] + Op::kSizes[dimension] + Op::kAfter[dimension];
  };
  for (int a = 0; a < padded(0); ++a) {
    for (int b = 0; b < padded(1); ++b) {
      for (int c = 0; c < padded(2); ++c) {
        const bool margin = outside(0, a) || outside(1, b) || outside(2, c);
        for (int d = 0; d < padded(3); ++d) {
          *output++ = margin || outside(3, d) ? static_cast<Element>(Op::kPadValue) : *input++;
        }
      }
    }
  }
}

}  // namespace kernels
}  // namespace earshot

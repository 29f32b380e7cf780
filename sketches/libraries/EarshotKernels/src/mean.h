// MEAN over any dimensions for int8 and float32.
#pragma once

#include <cstdint>

#include "fixed_point.h"
#include "output_stage.h"

namespace earshot {
namespace kernels {

namespace internal {

// Op: kSizes[4], kSteps[4]: of the dimensions that stay; kMeanSizes[4], kMeanSteps[4]: of those
// that are averaged
template <class Op, class Sum, class Element, class Finish>
EARSHOT_INLINE void for_sums(const Element* input, Element* output, Finish&& finish) {
  for (int a = 0; a < Op::kSizes[0]; ++a) {
    for (int b = 0; b < Op::kSizes[1]; ++b) {
      for (int c = 0; c < Op::kSizes[2]; ++c) {
        for (int d = 0; d < Op::kSizes[3]; ++d) {
          const Element* first =
              input + a * Op::kSteps[0] + b * Op::kSteps[1] + c * Op::kSteps[2] + d * Op::kSteps[3];
          Sum sum = 0;
          for (int e = 0; e < Op::kMeanSizes[0]; ++e) {
            for (int f = 0; f < Op::kMeanSizes[1]; ++f) {
              for (int g = 0; g < Op::kMeanSizes[2]; ++g) {
                const Element* x =
                    first + e * Op::kMeanSteps[0] + f * Op::kMeanSteps[1] + g * Op::kMeanSteps[2];
                for (int h = 0; h < Op::kMeanSizes[3]; ++h, x += Op::kMeanSteps[3]) sum += *x;
              }
            }
          }
          *output++ = finish(sum);
        }
      }
    }
  }
}

}  // namespace internal

// Op: those of for_sums(), kCount: elements of a mean
template <class Op>
inline void mean(const float* input, float* output) {
  internal::for_sums<Op, float>(input, output,
                                [](float sum) { return sum / static_cast<float>(Op::kCount); });
}

// Op: those of for_sums(), kCount, kInputZeroPoint, kOutputZeroPoint, kMultiplier, kLeftShift,
// kRightShift: from a sum to the mean
template <class Op>
inline void mean(const int8_t* input, int8_t* output) {
  internal::for_sums<Op, int32_t>(input, output, [](int32_t sum) {
    const int32_t scaled = scale_by(sum - Op::kCount * Op::kInputZeroPoint, Op::kMultiplier,
                                    Op::kLeftShift, Op::kRightShift);
    return clamp_to_int8<-128, 127>(scaled + Op::kOutputZeroPoint);
  });
}

}  // namespace kernels
}  // namespace earshot

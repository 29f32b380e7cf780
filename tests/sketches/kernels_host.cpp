// The kernels' arithmetic as C functions for a test on the host.
#include "fixed_point.h"
#include "output_stage.h"

namespace {

struct Op {
  static constexpr int kOutputZeroPoint = -7;
  static constexpr int kActivationMin = -128;
  static constexpr int kActivationMax = 127;
};

}  // namespace

extern "C" {

using namespace earshot::kernels;

int32_t high_multiply(int32_t a, int32_t b) { return doubling_high_multiply(a, b); }
int32_t high_multiply_small(int32_t a, int32_t b) { return doubling_high_multiply_small(a, b); }
int32_t shift_right(int32_t x, int exponent) { return rounding_shift_right(x, exponent); }
int32_t shift_left(int32_t x, int exponent) { return saturating_shift_left(x, exponent); }
int32_t scale(int32_t x, int32_t multiplier, int left, int right) {
  return scale_by(x, multiplier, left, right);
}
int32_t exponential(int32_t x) { return exponential_of_negative(x); }
int32_t reciprocal(int32_t x) { return reciprocal_of_one_plus(x); }

int finish_any(int32_t sum, int32_t multiplier, int right_shift) {
  const Int8Channel channel{0, multiplier, 0, static_cast<int8_t>(right_shift)};
  return finish<Op>(static_cast<uint32_t>(sum), channel);
}
int finish_small(int32_t sum, int32_t multiplier, int32_t offset, int right_shift) {
  return finish<Op>(static_cast<uint32_t>(sum),
                    SmallInt8Channel{0, multiplier, offset, right_shift});
}
}

// FULLY_CONNECTED for int8 with a list of the weights that are not 0.
//
// An entry is a weight and how far its input lies behind that of the entry before it, a byte each;
// two entries are a word. Weights of 0 bridge what is further, and fill up the list.
#pragma once

#include "output_stage.h"
#include "products.h"

namespace earshot {
namespace kernels {

constexpr int kRoundEntries = 8;

namespace internal {

// Four entries, two words of the list, in the order in which the processor stalls least.
EARSHOT_INLINE void add_entries(const int8_t*& input, const uint32_t*& entries, uint32_t& sum) {
#if defined(__ARM_FEATURE_DSP)
  const uint32_t* next = entries;
  const int8_t* at = input;
  uint32_t e0, e1, x0, x1, x2, x3, new_sum = sum;
  asm("ldr %[e0], [%[next]], #4\n\t"
      "ldr %[e1], [%[next]], #4\n\t"
      "uxtab %[x0], %[at], %[e0], ror #8\n\t"
      "uxtab %[x1], %[x0], %[e0], ror #24\n\t"
      "uxtab %[x2], %[x1], %[e1], ror #8\n\t"
      "uxtab %[at], %[x2], %[e1], ror #24\n\t"
      "ldrsb %[x0], [%[x0]]\n\t"
      "ldrsb %[x1], [%[x1]]\n\t"
      "ldrsb %[x2], [%[x2]]\n\t"
      "ldrsb %[x3], [%[at]]\n\t"
      "sxtb16 %[e0], %[e0]\n\t"
      "sxtb16 %[e1], %[e1]\n\t"
      "smlabb %[sum], %[x0], %[e0], %[sum]\n\t"
      "smlabt %[sum], %[x1], %[e0], %[sum]\n\t"
      "smlabb %[sum], %[x2], %[e1], %[sum]\n\t"
      "smlabt %[sum], %[x3], %[e1], %[sum]"
      : [sum] "+r"(new_sum), [next] "+r"(next), [at] "+r"(at), [e0] "=&r"(e0), [e1] "=&r"(e1),
        [x0] "=&r"(x0), [x1] "=&r"(x1), [x2] "=&r"(x2), [x3] "=&r"(x3)
      :
      : "memory");
  sum = new_sum, entries = next, input = at;
#else
  for (int i = 0; i < 4; ++i) {
    const uint32_t entry = entries[i / 2] >> i % 2 * 16;
    input += entry >> 8 & 0xFF;
    sum += static_cast<uint32_t>(*input * static_cast<int8_t>(entry & 0xFF));
  }
  entries += 2;
#endif
}

// One output; returns the next one's list.
template <class Op, class Channel>
EARSHOT_OWN_REGISTERS const uint32_t* sparse_output(const int8_t* input, const uint32_t* list,
                                                    const Channel* channel, int8_t* output) {
  produce<Op, 1>(
      channel, output, [&](auto& sums) __attribute__((always_inline)) {
        uint32_t rounds = *list++;
        for (; rounds > 0; --rounds) {
          unrolled<kRoundEntries / 4>([&](auto) __attribute__((always_inline)) {
            add_entries(input, list, sums[0]);
          });
        }
      });
  return list;
}

}  // namespace internal

// Op: kRows, kInputs, kOutputs, and the members that finish() asks for
// lists: for each output: a word with the number of rounds, and kRoundEntries entries for each
template <class Op, class Channel>
inline void sparse_fully_connected(const int8_t* input, const uint32_t* lists,
                                   const Channel* channels, int8_t* output) {
  for (int row = 0; row < Op::kRows; ++row) {
    const uint32_t* list = lists;
    for (int i = 0; i < Op::kOutputs; ++i) {
      list = internal::sparse_output<Op>(input, list, channels + i, output++);
    }
    input += Op::kInputs;
  }
}

}  // namespace kernels
}  // namespace earshot

// Sums of products, where a network spends its time: some taps of the input with up to four
// outputs.
//
// Weights lie in the order in which they are used, "blocked": for each group of up to four outputs,
// for each run of taps, for each kTaps taps of the run, for each output of the group: kTaps
// weights. A run whose length is no multiple of kTaps is filled up with weights of 0. The input
// beside the run's end is read then, to no effect; so the memory of activations ends with
// kReadAheadBytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

// The name of the kernel set that this processor gets, for the engine's report.
#if defined(__ARM_FEATURE_DSP)
#define EARSHOT_KERNEL_SET "dsp"
#else
#define EARSHOT_KERNEL_SET "reference"
#endif

// A function around an inner loop: inlined, it would share the processor's few registers with the
// loops around it, and keep sums in memory.
#define EARSHOT_OWN_REGISTERS __attribute__((noinline))

namespace earshot {
namespace kernels {

constexpr int kGroup = 4;
constexpr int kReadAheadBytes = 4;

namespace internal {

template <class Function, int... kIndex>
inline void call_each(Function&& function, std::integer_sequence<int, kIndex...>) {
  (function(std::integral_constant<int, kIndex>{}), ...);
}

}  // namespace internal

// function(0) … function(kCount - 1), each a constant, so that arrays indexed by it stay in
// registers.
template <int kCount, class Function>
inline void unrolled(Function&& function) {
  internal::call_each(function, std::make_integer_sequence<int, kCount>{});
}

#if defined(__ARM_FEATURE_DSP)

// Four int8 as two pairs of int16: bytes 0 and 2, and bytes 1 and 3.
struct Pairs {
  uint32_t even, odd;
};

inline Pairs load_pairs(const int8_t* four) {
  uint32_t bytes;
  std::memcpy(&bytes, four, sizeof(bytes));
  uint32_t even, odd;
  asm("sxtb16 %0, %1" : "=r"(even) : "r"(bytes));
  asm("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(bytes));
  return {even, odd};
}

// Two outputs at a time, in the order in which the processor stalls least and in few registers:
// scheduled by the compiler, the four sums would not stay in registers; nor would they if asm
// worked on the references. The weights are read here without telling the compiler: as they never
// change, it need not know. kOffset: in bytes
template <int kOffset>
inline void add_products(const Pairs& x, const int8_t* weights, uint32_t& sum0, uint32_t& sum1) {
  uint32_t w0, w1, even, new0 = sum0, new1 = sum1;
  asm("ldr %[w0], [%[weights], %[offset0]]\n\t"
      "ldr %[w1], [%[weights], %[offset1]]\n\t"
      "sxtb16 %[even], %[w0]\n\t"
      "smlad %[sum0], %[x_even], %[even], %[sum0]\n\t"
      "sxtb16 %[w0], %[w0], ror #8\n\t"
      "smlad %[sum0], %[x_odd], %[w0], %[sum0]\n\t"
      "sxtb16 %[even], %[w1]\n\t"
      "smlad %[sum1], %[x_even], %[even], %[sum1]\n\t"
      "sxtb16 %[w1], %[w1], ror #8\n\t"
      "smlad %[sum1], %[x_odd], %[w1], %[sum1]"
      : [sum0] "+r"(new0), [sum1] "+r"(new1), [w0] "=&r"(w0), [w1] "=&r"(w1), [even] "=&r"(even)
      : [x_even] "r"(x.even), [x_odd] "r"(x.odd), [weights] "r"(weights), [offset0] "n"(kOffset),
        [offset1] "n"(kOffset + 4));
  sum0 = new0;
  sum1 = new1;
}

// One output.
template <int kOffset>
inline void add_products(const Pairs& x, const int8_t* weights, uint32_t& sum) {
  uint32_t w, even, new_sum = sum;
  asm("ldr %[w], [%[weights], %[offset]]\n\t"
      "sxtb16 %[even], %[w]\n\t"
      "smlad %[sum], %[x_even], %[even], %[sum]\n\t"
      "sxtb16 %[w], %[w], ror #8\n\t"
      "smlad %[sum], %[x_odd], %[w], %[sum]"
      : [sum] "+r"(new_sum), [w] "=&r"(w), [even] "=&r"(even)
      : [x_even] "r"(x.even), [x_odd] "r"(x.odd), [weights] "r"(weights), [offset] "n"(kOffset));
  sum = new_sum;
}

#endif

template <class Element>
struct Products;

// Sums wrap around in 32 bits: the zero point's share, which is in the bias, may exceed them on the
// way, never in the end where the reference's own sum fits.
template <>
struct Products<int8_t> {
  using Sum = uint32_t;
  static constexpr int kTaps = 4;

  // Block number kBlock from `input` and `weights` on: each sum with kTaps products of its own.
  template <int kBlock, int kOutputs>
  static inline void add(const int8_t* input, const int8_t* weights, Sum (&sums)[kOutputs]) {
    constexpr int kBytes = kTaps * kOutputs;
    input += kTaps * kBlock;
#if defined(__ARM_FEATURE_DSP)
    const Pairs x = load_pairs(input);
    constexpr int kLast = kOutputs - 1;
    if constexpr (kOutputs >= 2) add_products<kBlock * kBytes>(x, weights, sums[0], sums[1]);
    if constexpr (kOutputs == 4) add_products<kBlock * kBytes + 8>(x, weights, sums[2], sums[3]);
    if constexpr (kOutputs % 2 == 1)
      add_products<kBlock * kBytes + 4 * kLast>(x, weights, sums[kLast]);
#else
    for (int i = 0; i < kOutputs; ++i) {
      for (int tap = 0; tap < kTaps; ++tap) {
        sums[i] += static_cast<Sum>(input[tap] * weights[kBlock * kBytes + kTaps * i + tap]);
      }
    }
#endif
  }
};

template <>
struct Products<float> {
  using Sum = float;
  static constexpr int kTaps = 1;

  template <int kBlock, int kOutputs>
  static inline void add(const float* input, const float* weights, Sum (&sums)[kOutputs]) {
    const float x = input[kBlock];
    unrolled<kOutputs>([&](auto i) { sums[i] += x * weights[kBlock * kOutputs + i]; });
  }
};

template <class Element>
constexpr int blocks_of(int taps) {
  return (taps + Products<Element>::kTaps - 1) / Products<Element>::kTaps;
}

// Adds the products of one run of kRunTaps taps to the sums; returns the weights of the next run.
template <int kRunTaps, class Element, int kOutputs>
inline const Element* add_run(const Element* input, const Element* weights,
                              typename Products<Element>::Sum (&sums)[kOutputs]) {
  constexpr int kTaps = Products<Element>::kTaps;
  constexpr int kBlocks = blocks_of<Element>(kRunTaps);
  constexpr int kUnrolled = 4;
  const auto add_blocks = [&](auto count) {
    unrolled<count>(
        [&](auto i) { Products<Element>::template add<decltype(i)::value>(input, weights, sums); });
    input += kTaps * count;
    weights += kTaps * kOutputs * count;
  };
  for (int i = 0; i < kBlocks / kUnrolled; ++i) {
    add_blocks(std::integral_constant<int, kUnrolled>{});
  }
  add_blocks(std::integral_constant<int, kBlocks % kUnrolled>{});
  return weights;
}

}  // namespace kernels
}  // namespace earshot

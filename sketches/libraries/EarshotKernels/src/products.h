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

// The mbed core has to be compiled as C++14: as C++17 the chrono header declares an abs(), which is
// a macro of Arduino's. GCC takes what the kernels use of C++17 then too, as extensions.
#if defined(__GNUC__) && __GNUC__ >= 12
#pragma GCC diagnostic ignored "-Wc++17-extensions"
#endif

// The names of the kernel sets that this processor gets, for the engine's report.
#if defined(__ARM_FEATURE_DSP)
#define EARSHOT_INT8_KERNELS "dsp"
#else
#define EARSHOT_INT8_KERNELS "reference"
#endif
#if defined(__thumb2__) && defined(__ARM_FP) && !defined(__SOFTFP__)
#define EARSHOT_FLOAT_KERNELS "fpu"
#define EARSHOT_HAS_FPU
#else
#define EARSHOT_FLOAT_KERNELS "reference"
#endif

// A function around an inner loop: inlined, it would share the processor's few registers with the
// loops around it, and keep sums in memory. What it calls has to be inlined, for the same reason.
#define EARSHOT_OWN_REGISTERS __attribute__((noinline))
#define EARSHOT_INLINE inline __attribute__((always_inline))

namespace earshot {
namespace kernels {

constexpr int kGroup = 4;
constexpr int kReadAheadBytes = 4;

namespace internal {

template <class Function, int... kIndex>
EARSHOT_INLINE void call_each(Function&& function, std::integer_sequence<int, kIndex...>) {
  (function(std::integral_constant<int, kIndex>{}), ...);
}

}  // namespace internal

// function(0) … function(kCount - 1), each a constant, so that arrays indexed by it stay in
// registers.
template <int kCount, class Function>
EARSHOT_INLINE void unrolled(Function&& function) {
  internal::call_each(function, std::make_integer_sequence<int, kCount>{});
}

// function(0) … function(kCount - 1); without a loop where there are few.
template <int kCount, class Function>
EARSHOT_INLINE void repeated(Function&& function) {
  if constexpr (kCount <= 4) {
    unrolled<kCount>(function);
  } else {
    for (int i = 0; i < kCount; ++i) function(i);
  }
}

#if defined(__ARM_FEATURE_DSP)

// Four int8 as two pairs of int16: bytes 0 and 2, and bytes 1 and 3.
struct Pairs {
  uint32_t even, odd;
};

EARSHOT_INLINE Pairs load_pairs(const int8_t* four) {
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
// change, it need not know.
EARSHOT_INLINE void add_products(const Pairs& x, const int8_t*& weights, uint32_t& sum0,
                                 uint32_t& sum1) {
  const int8_t* next = weights;
  uint32_t w0, w1, even, new0 = sum0, new1 = sum1;
  asm("ldr %[w0], [%[next]], #4\n\t"
      "ldr %[w1], [%[next]], #4\n\t"
      "sxtb16 %[even], %[w0]\n\t"
      "smlad %[sum0], %[x_even], %[even], %[sum0]\n\t"
      "sxtb16 %[w0], %[w0], ror #8\n\t"
      "smlad %[sum0], %[x_odd], %[w0], %[sum0]\n\t"
      "sxtb16 %[even], %[w1]\n\t"
      "smlad %[sum1], %[x_even], %[even], %[sum1]\n\t"
      "sxtb16 %[w1], %[w1], ror #8\n\t"
      "smlad %[sum1], %[x_odd], %[w1], %[sum1]"
      : [sum0] "+r"(new0), [sum1] "+r"(new1), [next] "+r"(next), [w0] "=&r"(w0), [w1] "=&r"(w1),
        [even] "=&r"(even)
      : [x_even] "r"(x.even), [x_odd] "r"(x.odd));
  sum0 = new0, sum1 = new1, weights = next;
}

// One output.
EARSHOT_INLINE void add_products(const Pairs& x, const int8_t*& weights, uint32_t& sum) {
  const int8_t* next = weights;
  uint32_t w, even, new_sum = sum;
  asm("ldr %[w], [%[next]], #4\n\t"
      "sxtb16 %[even], %[w]\n\t"
      "smlad %[sum], %[x_even], %[even], %[sum]\n\t"
      "sxtb16 %[w], %[w], ror #8\n\t"
      "smlad %[sum], %[x_odd], %[w], %[sum]"
      : [sum] "+r"(new_sum), [next] "+r"(next), [w] "=&r"(w), [even] "=&r"(even)
      : [x_even] "r"(x.even), [x_odd] "r"(x.odd));
  sum = new_sum, weights = next;
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

  // Adds kTaps products to each sum; goes on to the next weights.
  template <int kOutputs>
  static EARSHOT_INLINE void add(const int8_t* input, const int8_t*& weights,
                                 Sum (&sums)[kOutputs]) {
#if defined(__ARM_FEATURE_DSP)
    const Pairs x = load_pairs(input);
    if constexpr (kOutputs >= 2) add_products(x, weights, sums[0], sums[1]);
    if constexpr (kOutputs == 4) add_products(x, weights, sums[2], sums[3]);
    if constexpr (kOutputs % 2 == 1) add_products(x, weights, sums[kOutputs - 1]);
#else
    for (int i = 0; i < kOutputs; ++i) {
      for (int tap = 0; tap < kTaps; ++tap) {
        sums[i] += static_cast<Sum>(input[tap] * *weights++);
      }
    }
#endif
  }

  // sums[i] += input[i] * weights[i]. Four of each are read.
  template <int kOutputs>
  static EARSHOT_INLINE void add_lanes(const int8_t* input, const int8_t* weights,
                                       Sum (&sums)[kOutputs]) {
#if defined(__ARM_FEATURE_DSP)
    const Pairs x = load_pairs(input), w = load_pairs(weights);
    unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
      const uint32_t a = i % 2 == 0 ? x.even : x.odd, b = i % 2 == 0 ? w.even : w.odd;
      constexpr int kShift = i / 2 * 16;
      sums[i] +=
          static_cast<Sum>(static_cast<int16_t>(a >> kShift) * static_cast<int16_t>(b >> kShift));
    });
#else
    for (int i = 0; i < kOutputs; ++i) sums[i] += static_cast<Sum>(input[i] * weights[i]);
#endif
  }
};

// A product that is rounded before it is added. On a Cortex-M4 VMUL and VADD take a cycle each, the
// VFMA that GCC would make of them takes three (technical reference manual, table 7-1).
EARSHOT_INLINE float rounded_product(float a, float b) {
#if defined(EARSHOT_HAS_FPU)
  float result;
  asm("vmul.f32 %0, %1, %2" : "=t"(result) : "t"(a), "t"(b));
  return result;
#else
  return a * b;
#endif
}

#if defined(EARSHOT_HAS_FPU)

// Four outputs; no sum comes right after its product, which would cost a cycle. As with int8, the
// compiler need not know that the weights are read.
EARSHOT_INLINE void add_products(float x, const float*& weights, float (&sums)[4]) {
  const float* next = weights;
  float sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
  asm("vldmia %[next]!, {s8-s11}\n\t"
      "vmul.f32 s8, %[x], s8\n\t"
      "vmul.f32 s9, %[x], s9\n\t"
      "vmul.f32 s10, %[x], s10\n\t"
      "vmul.f32 s11, %[x], s11\n\t"
      "vadd.f32 %[sum0], %[sum0], s8\n\t"
      "vadd.f32 %[sum1], %[sum1], s9\n\t"
      "vadd.f32 %[sum2], %[sum2], s10\n\t"
      "vadd.f32 %[sum3], %[sum3], s11"
      :
      [sum0] "+t"(sum0), [sum1] "+t"(sum1), [sum2] "+t"(sum2), [sum3] "+t"(sum3), [next] "+r"(next)
      : [x] "t"(x)
      : "s8", "s9", "s10", "s11");
  sums[0] = sum0, sums[1] = sum1, sums[2] = sum2, sums[3] = sum3, weights = next;
}

#endif

template <>
struct Products<float> {
  using Sum = float;
  static constexpr int kTaps = 1;

  template <int kOutputs>
  static EARSHOT_INLINE void add(const float* input, const float*& weights, Sum (&sums)[kOutputs]) {
    const float x = *input;
#if defined(EARSHOT_HAS_FPU)
    if constexpr (kOutputs == 4) {
      add_products(x, weights, sums);
      return;
    }
#endif
    unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
      sums[i] += rounded_product(x, weights[i]);
    });
    weights += kOutputs;
  }

  template <int kOutputs>
  static EARSHOT_INLINE void add_lanes(const float* input, const float* weights,
                                       Sum (&sums)[kOutputs]) {
    unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
      sums[i] += rounded_product(input[i], weights[i]);
    });
  }
};

template <class Element>
constexpr int blocks_of(int taps) {
  return (taps + Products<Element>::kTaps - 1) / Products<Element>::kTaps;
}

// Adds the products of one run of kRunTaps taps to the sums; returns the weights of the next run.
template <int kRunTaps, class Element, int kOutputs>
EARSHOT_INLINE const Element* add_run(const Element* input, const Element* weights,
                                      typename Products<Element>::Sum (&sums)[kOutputs]) {
  constexpr int kTaps = Products<Element>::kTaps;
  constexpr int kBlocks = blocks_of<Element>(kRunTaps);
  constexpr int kUnrolled = 4;
  const auto add_blocks = [&](auto count) __attribute__((always_inline)) {
    unrolled<count>([&](auto i) __attribute__((always_inline)) {
      Products<Element>::add(input + kTaps * i, weights, sums);
    });
    input += kTaps * count;
  };
  for (int i = 0; i < kBlocks / kUnrolled; ++i) {
    add_blocks(std::integral_constant<int, kUnrolled>{});
  }
  add_blocks(std::integral_constant<int, kBlocks % kUnrolled>{});
  return weights;
}

}  // namespace kernels
}  // namespace earshot

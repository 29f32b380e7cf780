// CONV_2D for int8 with the weights as constants in the code: what is 0 is not there, neither as
// data nor as an instruction.
#pragma once

#include "output_stage.h"
#include "products.h"
#include "window.h"

namespace earshot {
namespace kernels {

// Outputs that are computed at the same time: as many sums as there are registers for.
constexpr int kSparseGroup = 8;

namespace internal {

#if defined(__ARM_FEATURE_DSP)

// sum += the lower int16 of x * kLow + the upper one * kHigh. Volatile, so that the order stays:
// moved ahead by the compiler the constants would take the registers of the sums.
template <int kLow, int kHigh>
EARSHOT_INLINE void add_constant_products(uint32_t x, uint32_t& sum) {
  constexpr int kLowBits = kLow & 0xFFFF, kHighBits = kHigh & 0xFFFF;
  uint32_t w, new_sum = sum;
  if constexpr (kLow != 0 && kHigh != 0) {
    asm volatile(
        "movw %[w], %[low]\n\t"
        "movt %[w], %[high]\n\t"
        "smlad %[sum], %[x], %[w], %[sum]"
        : [sum] "+r"(new_sum), [w] "=&r"(w)
        : [x] "r"(x), [low] "i"(kLowBits), [high] "i"(kHighBits));
  } else if constexpr (kLow != 0) {
    asm volatile(
        "movw %[w], %[low]\n\t"
        "smlabb %[sum], %[x], %[w], %[sum]"
        : [sum] "+r"(new_sum), [w] "=&r"(w)
        : [x] "r"(x), [low] "i"(kLowBits));
  } else if constexpr (kHigh != 0) {
    asm volatile(
        "movw %[w], %[high]\n\t"
        "smlatb %[sum], %[x], %[w], %[sum]"
        : [sum] "+r"(new_sum), [w] "=&r"(w)
        : [x] "r"(x), [high] "i"(kHighBits));
  }
  sum = new_sum;
}

// Four taps with some outputs whose weights stand kApart elements from one output to the next; the
// first ones are kWeights[kFirst] and the three after it.
template <const int8_t* kWeights, int kFirst, int kApart, int... kOutput>
EARSHOT_INLINE void add_constant_block(const int8_t* input, uint32_t* sums,
                                       std::integer_sequence<int, kOutput...>) {
  constexpr const int8_t* kEven = kWeights + kFirst;
  constexpr const int8_t* kOdd = kEven + 1;
  const Pairs x = load_pairs(input);
  ((add_constant_products<kEven[kOutput * kApart], kEven[kOutput * kApart + 2]>(x.even,
                                                                                sums[kOutput]),
    add_constant_products<kOdd[kOutput * kApart], kOdd[kOutput * kApart + 2]>(x.odd,
                                                                              sums[kOutput])),
   ...);
}

#endif

// How the weights of an output lie: its runs one after the other, each filled up to four taps.
template <class Op>
struct SparseBlocks {
  static constexpr int kAcross = FilterRuns<Op>::kAcross;
  static constexpr int kOfRun = blocks_of<int8_t>(FilterRuns<Op>::kTaps);
  static constexpr int kCount = Op::kFilterHeight * kAcross * kOfRun;

  // Where a block's input lies, from the window on.
  static constexpr int input_of(int block) {
    return block / kOfRun / kAcross * WindowRows<Op>::kTapDown +
           block / kOfRun % kAcross * WindowRows<Op>::kTapAcross + block % kOfRun * 4;
  }
};

// kOutputs channels, from kFirst on, of one output pixel.
template <class Op, const int8_t* kWeights, int kFirst, int kOutputs, class Channel>
EARSHOT_OWN_REGISTERS void sparse_conv_2d_group(const int8_t* window, const Channel* channels,
                                                int8_t* output) {
  using Blocks = SparseBlocks<Op>;
  produce<Op, kOutputs>(
      channels, output, [&](auto& sums) __attribute__((always_inline)) {
        constexpr int kApart = Blocks::kCount * 4;
#if defined(__ARM_FEATURE_DSP)
        unrolled<Blocks::kCount>([&](auto block) __attribute__((always_inline)) {
          constexpr int kBlock = decltype(block)::value;
          add_constant_block<kWeights, kFirst * kApart + kBlock * 4, kApart>(
              window + Blocks::input_of(kBlock), sums, std::make_integer_sequence<int, kOutputs>{});
        });
#else
        for (int tap = 0; tap < kApart; ++tap) {
          const int x = window[Blocks::input_of(tap / 4) + tap % 4];
          for (int i = 0; i < kOutputs; ++i) {
            sums[i] += static_cast<uint32_t>(x * kWeights[(kFirst + i) * kApart + tap]);
          }
        }
#endif
      });
}

}  // namespace internal

// Op: the members that WindowRows and finish() ask for, kBatches, kOutputChannels
// kWeights: for each output, for each run of taps: the run, filled up with 0 to a multiple of four
// strip: WindowRows<Op>::kStripElements of memory
template <class Op, const int8_t* kWeights, class Channel>
inline void sparse_conv_2d(const int8_t* input, const Channel* channels, int8_t* output,
                           int8_t* strip) {
  constexpr int kLast = Op::kOutputChannels % kSparseGroup;
  prepare_strip<Op>(strip);
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    for (int row = 0; row < Op::kOutputHeight; ++row) {
      const int8_t* first_window = window_row<Op>(input, row, strip);
      // All windows of the row with one group after the other: its code is what the cache holds.
      const auto all_windows = [&](auto first, auto count) __attribute__((always_inline)) {
        const int8_t* window = first_window;
        int8_t* pixel = output + first;
        for (int column = 0; column < Op::kOutputWidth; ++column) {
          internal::sparse_conv_2d_group<Op, kWeights, decltype(first)::value,
                                         decltype(count)::value>(window, channels + first, pixel);
          window += WindowRows<Op>::kNextWindow;
          pixel += Op::kOutputChannels;
        }
      };
      unrolled<Op::kOutputChannels / kSparseGroup>([&](auto group) __attribute__((always_inline)) {
        all_windows(std::integral_constant<int, decltype(group)::value * kSparseGroup>{},
                    std::integral_constant<int, kSparseGroup>{});
      });
      if constexpr (kLast > 0) {
        all_windows(std::integral_constant<int, Op::kOutputChannels - kLast>{},
                    std::integral_constant<int, kLast>{});
      }
      output += Op::kOutputWidth * Op::kOutputChannels;
    }
    input += Op::kInputHeight * Op::kInputWidth * Op::kInputChannels;
  }
}

}  // namespace kernels
}  // namespace earshot

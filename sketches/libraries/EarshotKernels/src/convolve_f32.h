// CONV_2D for float32 with the FPU: four neighboring pixels by four channels at a time.
//
// The rows that a row of outputs looks at are copied to planes, one for each channel and each
// column modulo the stride: neighboring pixels then lie side by side, and as many loads are one
// VLDM.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "output_stage.h"
#include "simd_s8.h"

namespace earshot {
namespace kernels {

namespace internal {

constexpr int kFloatBlock = 4;  // pixels, and channels

// sums[channel * 4 + pixel] = bias[channel] + the products of `planes` planes of kTaps taps.
// x: the first pixel's first tap; kPlane: elements from one plane to the next
// w: for each plane, for each tap: the weights of four channels
// planes: 0 or more
template <int kTaps, int kPlane>
inline void float_block(const float* x, const float* w, const float* bias, int planes,
                        float* sums) {
  static_assert(kTaps >= 1 && kTaps <= 4);
#if defined(EARSHOT_HAS_FPU)
  // s0 to s15: sums, s16 to s22: pixels, s24 to s27: weights, s28 to s31: products. No product is
  // used right after it was computed, which would cost a cycle.
#define EARSHOT_FOUR(s0, s1, s2, s3, x0, x1, x2, x3, w) \
  "vmul.f32 s28, " x0 ", " w                            \
  "\n\t"                                                \
  "vmul.f32 s29, " x1 ", " w                            \
  "\n\t"                                                \
  "vmul.f32 s30, " x2 ", " w                            \
  "\n\t"                                                \
  "vmul.f32 s31, " x3 ", " w                            \
  "\n\t"                                                \
  "vadd.f32 " s0 ", " s0                                \
  ", s28\n\t"                                           \
  "vadd.f32 " s1 ", " s1                                \
  ", s29\n\t"                                           \
  "vadd.f32 " s2 ", " s2                                \
  ", s30\n\t"                                           \
  "vadd.f32 " s3 ", " s3 ", s31\n\t"
#define EARSHOT_TAP(x0, x1, x2, x3)                                                         \
  "vldmia %[w]!, {s24-s27}\n\t" EARSHOT_FOUR("s0", "s1", "s2", "s3", x0, x1, x2, x3, "s24") \
      EARSHOT_FOUR("s4", "s5", "s6", "s7", x0, x1, x2, x3, "s25")                           \
          EARSHOT_FOUR("s8", "s9", "s10", "s11", x0, x1, x2, x3, "s26")                     \
              EARSHOT_FOUR("s12", "s13", "s14", "s15", x0, x1, x2, x3, "s27")
#define EARSHOT_FLOAT_BLOCK(last, taps)                                                            \
  asm volatile(                                                                                    \
      "vldmia %[bias], {s24-s27}\n\t"                                                              \
      "vmov.f32 s0, s24\n\tvmov.f32 s1, s24\n\tvmov.f32 s2, s24\n\tvmov.f32 s3, s24\n\t"           \
      "vmov.f32 s4, s25\n\tvmov.f32 s5, s25\n\tvmov.f32 s6, s25\n\tvmov.f32 s7, s25\n\t"           \
      "vmov.f32 s8, s26\n\tvmov.f32 s9, s26\n\tvmov.f32 s10, s26\n\tvmov.f32 s11, s26\n\t"         \
      "vmov.f32 s12, s27\n\tvmov.f32 s13, s27\n\tvmov.f32 s14, s27\n\tvmov.f32 s15, s27\n\t"       \
      "cmp %[planes], #0\n\t"                                                                      \
      "ble 2f\n"                                                                                   \
      "1:\n\t"                                                                                     \
      "vldmia %[x], {s16-" last                                                                    \
      "}\n\t"                                                                                      \
      "add %[x], %[x], %[plane]\n\t" taps                                                          \
      "subs %[planes], %[planes], #1\n\t"                                                          \
      "bgt 1b\n"                                                                                   \
      "2:\n\t"                                                                                     \
      "vstmia %[sums], {s0-s15}"                                                                   \
      : [x] "+r"(x), [w] "+r"(w), [planes] "+r"(planes)                                            \
      : [bias] "r"(bias), [sums] "r"(sums), [plane] "r"(4 * kPlane)                                \
      : "memory", "cc", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",  \
        "s12", "s13", "s14", "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s24", "s25", \
        "s26", "s27", "s28", "s29", "s30", "s31")
#define EARSHOT_TAP0 EARSHOT_TAP("s16", "s17", "s18", "s19")
#define EARSHOT_TAP1 EARSHOT_TAP("s17", "s18", "s19", "s20")
#define EARSHOT_TAP2 EARSHOT_TAP("s18", "s19", "s20", "s21")
#define EARSHOT_TAP3 EARSHOT_TAP("s19", "s20", "s21", "s22")
  if constexpr (kTaps == 1) EARSHOT_FLOAT_BLOCK("s19", EARSHOT_TAP0);
  if constexpr (kTaps == 2) EARSHOT_FLOAT_BLOCK("s20", EARSHOT_TAP0 EARSHOT_TAP1);
  if constexpr (kTaps == 3) EARSHOT_FLOAT_BLOCK("s21", EARSHOT_TAP0 EARSHOT_TAP1 EARSHOT_TAP2);
  if constexpr (kTaps == 4) {
    EARSHOT_FLOAT_BLOCK("s22", EARSHOT_TAP0 EARSHOT_TAP1 EARSHOT_TAP2 EARSHOT_TAP3);
  }
#undef EARSHOT_FOUR
#undef EARSHOT_TAP
#undef EARSHOT_FLOAT_BLOCK
#undef EARSHOT_TAP0
#undef EARSHOT_TAP1
#undef EARSHOT_TAP2
#undef EARSHOT_TAP3
#else
  for (int i = 0; i < kFloatBlock * kFloatBlock; ++i) sums[i] = bias[i / kFloatBlock];
  for (; planes > 0; --planes, x += kPlane) {
    for (int tap = 0; tap < kTaps; ++tap, w += kFloatBlock) {
      for (int i = 0; i < kFloatBlock * kFloatBlock; ++i) {
        sums[i] += x[tap + i % kFloatBlock] * w[i / kFloatBlock];
      }
    }
  }
#endif
}

}  // namespace internal

// Op: kBatches, kInputHeight, kInputWidth, kInputChannels, kOutputHeight, kOutputWidth,
// kOutputChannels, kFilterHeight, kFilterWidth, kStrideHeight, kStrideWidth, kPadTop, kPadLeft,
// kWeightsInRam: 1 if there is memory for them, and the members that finish() asks for
template <class Op>
struct ConvolveF32 {
  static constexpr int kBlock = internal::kFloatBlock;
  static constexpr int kTaps = (Op::kFilterWidth + Op::kStrideWidth - 1) / Op::kStrideWidth;
  static constexpr int kPixels = (Op::kOutputWidth + kBlock - 1) / kBlock * kBlock;
  static constexpr int kPlane = kPixels + kTaps - 1;
  static constexpr int kPlanes = Op::kInputChannels * Op::kStrideWidth;  // of a row
  static constexpr int kRow = kPlanes * kPlane;
  static constexpr int kStripElements = Op::kFilterHeight * kRow;

  static constexpr int kGroups = (Op::kOutputChannels + kBlock - 1) / kBlock;
  static constexpr int kRowWeights = kPlanes * kTaps * kBlock;  // of a row of a group's filters
  static constexpr int kGroupWeights = Op::kFilterHeight * kRowWeights;
  static constexpr int kWeights = kGroups * kGroupWeights;
  static constexpr int kScratchBytes = 4 * (kStripElements + (Op::kWeightsInRam ? kWeights : 0));

  // A row of the image to a row of planes.
  static void spread_row(const float* from, float* to) {
    constexpr int kCopied = std::min(Op::kInputWidth, kPlane * Op::kStrideWidth - Op::kPadLeft);
    for (int column = 0; column < kCopied; ++column) {
      const int place = column + Op::kPadLeft;
      float* target = to + place % Op::kStrideWidth * kPlane + place / Op::kStrideWidth;
      for (int channel = 0; channel < Op::kInputChannels; ++channel) {
        *target = *from++;
        target += Op::kStrideWidth * kPlane;
      }
    }
  }

  // Without the FPU's comparisons, which take four instructions.
  static EARSHOT_INLINE float finished(const float* sum) {
    constexpr float kMin = Op::kActivationMin, kMax = Op::kActivationMax;
    if constexpr (kMin == 0.0f && kMax == std::numeric_limits<float>::infinity()) {
      int32_t bits;
      std::memcpy(&bits, sum, sizeof bits);
      bits &= ~(bits >> 31);
      float result;
      std::memcpy(&result, &bits, sizeof result);
      return result;
    } else {
      return finish<Op>(*sum, FloatChannel{});
    }
  }

  // kCount neighboring pixels with four channels, `channels` of which exist.
  template <int kCount>
  static EARSHOT_OWN_REGISTERS void block(const float* x, const float* w, const float* bias,
                                          int planes, float* output, int channels) {
    float sums[kBlock * kBlock];
    internal::float_block<kTaps, kPlane>(x, w, bias, planes, sums);
    const float* sum = sums;
    for (; channels > 0; --channels, ++output, sum += kBlock) {
      unrolled<kCount>([&](auto pixel) __attribute__((always_inline)) {
        output[pixel * Op::kOutputChannels] = finished(sum + pixel);
      });
    }
  }

  static void run(const float* image, const float* weights, const float* biases, float* output,
                  float* strip) {
    constexpr int kStay = std::max(0, Op::kFilterHeight - Op::kStrideHeight);
    constexpr int kLast = Op::kOutputWidth % kBlock;
    int ready = 0;
    for (int out = 0; out < Op::kOutputHeight; ++out) {
      const int top = out * Op::kStrideHeight - Op::kPadTop;
      for (int i = ready; i < Op::kFilterHeight; ++i) {
        if (top + i < 0 || top + i >= Op::kInputHeight) continue;  // never looked at
        spread_row(image + (top + i) * Op::kInputWidth * Op::kInputChannels, strip + i * kRow);
      }
      const int above = std::max(0, -top);
      const int rows = std::min(Op::kFilterHeight, Op::kInputHeight - top) - above;
      for (int group = 0; group < kGroups; ++group) {
        const int channel = group * kBlock;
        const int channels = std::min(kBlock, Op::kOutputChannels - channel);
        const float* x = strip + above * kRow;
        const float* w = weights + group * kGroupWeights + above * kRowWeights;
        float* to = output + channel;
        for (int i = 0; i < Op::kOutputWidth / kBlock; ++i) {
          block<kBlock>(x, w, biases + channel, rows * kPlanes, to, channels);
          x += kBlock, to += kBlock * Op::kOutputChannels;
        }
        if constexpr (kLast > 0) {
          block<kLast>(x, w, biases + channel, rows * kPlanes, to, channels);
        }
      }
      output += Op::kOutputWidth * Op::kOutputChannels;
      move_words<kStay * kRow>(strip, strip + Op::kStrideHeight * kRow);
      ready = kStay;
    }
  }
};

// weights: for each four channels, for each row of the filters, input channel, column modulo the
// stride, and tap of those columns: the weights of four channels, filled up with 0
// channels: as many as the weights are for
// scratch: kScratchBytes of memory
template <class Op>
inline void convolve_f32(const float* input, const float* weights, const FloatChannel* channels,
                         float* output, float* scratch) {
  using Convolution = ConvolveF32<Op>;
  static_assert(sizeof(FloatChannel) == sizeof(float));
  clear_words<Convolution::kStripElements>(scratch);
  if constexpr (Op::kWeightsInRam != 0) {
    float* copied = scratch + Convolution::kStripElements;
    move_words<Convolution::kWeights>(copied, weights);
    weights = copied;
  }
  for (int batch = 0; batch < Op::kBatches; ++batch) {
    Convolution::run(input, weights, &channels->bias, output, scratch);
    input += Op::kInputHeight * Op::kInputWidth * Op::kInputChannels;
    output += Op::kOutputHeight * Op::kOutputWidth * Op::kOutputChannels;
  }
}

}  // namespace kernels
}  // namespace earshot

// CONV_2D for int8 images of several channels: four neighboring pixels by two channels at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "simd_s8.h"

namespace earshot {
namespace kernels {

// Op: kBatches, kInputHeight, kInputWidth, kInputChannels, kOutputHeight, kOutputWidth,
// kOutputChannels, kFilterHeight, kFilterWidth, kStrideHeight, kStrideWidth, kPadTop, kPadLeft,
// kPadValue: the input's zero point, kChannelsAtOnce: whose weights are in memory at the same time,
// and the members that requantized() asks for
template <class Op>
struct Convolve {
  static constexpr int kPixels = 4, kPair = 2;
  // Of a pixel in memory; an odd number of channels is filled up.
  static constexpr int kPixelElements = (Op::kInputChannels + 1) / 2 * 2;
  // In memory the second and the third of every four channels are exchanged, if that is possible:
  // weights too then need no other order than they have.
  static constexpr bool kExchanged = Op::kInputChannels % 4 == 0;

  // A convolution of single pixels needs memory for those that are computed together; any other for
  // the rows that a row of outputs looks at.
  static constexpr bool kPointwise = Op::kFilterHeight == 1 && Op::kFilterWidth == 1 &&
                                     Op::kStrideHeight == 1 && Op::kStrideWidth == 1 &&
                                     Op::kPadTop == 0 && Op::kPadLeft == 0;
  static constexpr int kRowPixels =
      kPointwise ? kPixels : (Op::kOutputWidth - 1) * Op::kStrideWidth + Op::kFilterWidth;
  static constexpr int kRowElements = kRowPixels * kPixelElements;
  static constexpr int kStripElements = (Op::kFilterHeight * kRowElements + 1) / 2 * 2;

  static constexpr int kRunWords = Op::kFilterWidth * kPixelElements / 2;
  static constexpr int kFilterElements = Op::kFilterHeight * kRunWords * 2;
  // Two filters in memory, or the last one: their DoubledChannels, and their weights.
  static constexpr int kChannelElements = sizeof(DoubledChannel) / 2;
  static constexpr int kMemoryElements = kChannelElements + kFilterElements;
  static constexpr int kScratchBytes = 2 * (kStripElements + Op::kChannelsAtOnce * kMemoryElements);

  // Adds the products of kWords words of the runs of kOutputs filters, for kNeighbors pixels.
  template <int kWords, int kNeighbors, int kOutputs>
  static EARSHOT_INLINE void add_words(const int16_t* x, const int16_t* w,
                                       uint32_t (&sums)[kOutputs * kNeighbors]) {
    constexpr int kApart = 2 * Op::kStrideWidth * kPixelElements;  // bytes between pixels
    // Two of the 14 registers hold the pointers.
    constexpr int kLoaded = std::max(1, 12 - kOutputs * kNeighbors - kOutputs);
    unrolled<kWords>([&](auto place) __attribute__((always_inline)) {
      constexpr int kWord = decltype(place)::value;
      uint32_t weights[kOutputs];
      unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
        weights[i] = load_word<4 * (kWord * kOutputs + decltype(i)::value)>(w);
      });
      unrolled<(kNeighbors + kLoaded - 1) / kLoaded>([&](
          auto group) __attribute__((always_inline)) {
        constexpr int kFirst = decltype(group)::value * kLoaded;
        constexpr int kCount = std::min(kLoaded, kNeighbors - kFirst);
        uint32_t words[kCount];
        unrolled<kCount>([&](auto i) __attribute__((always_inline)) {
          words[i] = load_word<4 * kWord + kApart*(kFirst + decltype(i)::value)>(x);
        });
        unrolled<kCount>([&](auto i) __attribute__((always_inline)) {
          unrolled<kOutputs>([&](auto output) __attribute__((always_inline)) {
            constexpr int kSum = decltype(output)::value * kNeighbors + kFirst + decltype(i)::value;
            sums[kSum] = multiply_add<Halves::kBoth>(words[i], weights[output], sums[kSum]);
          });
        });
      });
    });
  }

  // A row of kOutputs filters; returns the weights of the next one.
  template <int kNeighbors, int kOutputs>
  static EARSHOT_INLINE const int16_t* add_run(const int16_t* x, const int16_t* w,
                                               uint32_t (&sums)[kOutputs * kNeighbors]) {
    constexpr int kUnrolled = kRunWords <= 32 ? kRunWords : 16;
    constexpr int kRest = kRunWords % kUnrolled;
    if constexpr (kRunWords > kUnrolled) {
      const int16_t* end = x + kRunWords / kUnrolled * kUnrolled * 2;
      do {
        x = in_register(x), w = in_register(w);
        add_words<kUnrolled, kNeighbors, kOutputs>(x, w, sums);
        x += kUnrolled * 2, w += kUnrolled * 2 * kOutputs;
      } while (x != end);
    } else {
      x = in_register(x), w = in_register(w);
      add_words<kUnrolled, kNeighbors, kOutputs>(x, w, sums);
      w += kUnrolled * 2 * kOutputs;
    }
    if constexpr (kRest > 0) add_words<kRest, kNeighbors, kOutputs>(x, w, sums);
    return w + kRest * 2 * kOutputs;
  }

  // `groups` times kOutputs channels of kNeighbors neighboring pixels.
  // first: the first pixel's first row of taps that is no padding, of `rows` in all, which is
  // `above` rows below the filter's
  template <int kNeighbors, int kOutputs>
  static EARSHOT_OWN_REGISTERS void blocks(const int16_t* first, const int16_t* filters,
                                           int8_t* output, int groups, int above, int rows) {
    do {
      const int16_t* w = in_register(filters);
      uint32_t sums[kOutputs * kNeighbors];
      unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
        const uint32_t bias =
            load_word<static_cast<int>(sizeof(DoubledChannel)) * decltype(i)::value>(w);
        unrolled<kNeighbors>([&](auto pixel) __attribute__((always_inline)) {
          sums[i * kNeighbors + pixel] = bias;
        });
      });
      const int16_t* next = w + kOutputs * kChannelElements;
      const int16_t* x = first;
      if constexpr (Op::kFilterHeight == 1) {
        next = add_run<kNeighbors, kOutputs>(x, next, sums);
      } else {
        next += above * kRunWords * 2 * kOutputs;
        for (int row = rows; row > 0; --row, x += kRowElements) {
          next = add_run<kNeighbors, kOutputs>(x, next, sums);
        }
      }
      w = in_register(filters);
      int8_t* to = in_register(output);
      unrolled<kOutputs>([&](auto i) __attribute__((always_inline)) {
        constexpr int kOutput = decltype(i)::value;
        uint32_t own[kNeighbors];
        unrolled<kNeighbors>([&](auto pixel) __attribute__((always_inline)) {
          own[pixel] = sums[kOutput * kNeighbors + pixel];
        });
        store_outputs<Op, Op::kOutputChannels, static_cast<int>(sizeof(DoubledChannel)) * kOutput>(
            own, w, to + kOutput);
      });
      filters = w + kOutputs * kMemoryElements;
      output = to + kOutputs;
    } while (--groups > 0);
  }

  // `channels` channels of kNeighbors neighboring pixels.
  template <int kNeighbors>
  static EARSHOT_INLINE void pixels(const int16_t* first, const int16_t* filters, int8_t* output,
                                    int channels, int above, int rows) {
    const int pairs = channels / kPair;
    first = in_register(first);  // not a constant in flash, which is slow
    if (pairs > 0) blocks<kNeighbors, kPair>(first, filters, output, pairs, above, rows);
    if (channels % kPair > 0) {
      blocks<kNeighbors, 1>(first, filters + pairs * kPair * kMemoryElements,
                            output + pairs * kPair, 1, above, rows);
    }
  }

  // kCount pixels.
  template <int kCount>
  static EARSHOT_INLINE void widen_pixels(const int8_t* from, int16_t* to) {
    if constexpr (kExchanged) {
      widen_exchanged<Op::kPadValue, kCount * Op::kInputChannels>(from, to);
    } else if constexpr (Op::kInputChannels % 2 == 0) {
      widen<Op::kPadValue, kCount * Op::kInputChannels>(from, to);
    } else {
      for (int i = 0; i < kCount; ++i) {
        widen<Op::kPadValue, Op::kInputChannels>(from, to);
        from += Op::kInputChannels, to += kPixelElements;
      }
    }
  }

  // Puts `count` filters into memory.
  static void load_filters(const int8_t* weights, const DoubledChannel* channels, int count,
                           int16_t* to) {
    for (int i = 0; i < count; i += kPair) {
      const int together = std::min(kPair, count - i);
      std::memcpy(to, channels + i, sizeof(DoubledChannel));
      if (together > 1)
        std::memcpy(to + kChannelElements, channels + i + 1, sizeof(DoubledChannel));
      to += together * kChannelElements;
      widen_weights(weights, together * kFilterElements / 2, to);
      weights += together * kFilterElements, to += together * kFilterElements;
    }
  }

  static void all_pixels(const int8_t* input, const int16_t* filters, int8_t* output, int channels,
                         int16_t* strip) {
    constexpr int kAll = Op::kOutputHeight * Op::kOutputWidth, kLast = kAll % kPixels;
    for (int group = 0; group < kAll / kPixels; ++group) {
      widen_pixels<kPixels>(input, strip);
      pixels<kPixels>(strip, filters, output, channels, 0, 1);
      input += kPixels * Op::kInputChannels;
      output += kPixels * Op::kOutputChannels;
    }
    if constexpr (kLast > 0) {
      widen_pixels<kLast>(input, strip);
      pixels<kLast>(strip, filters, output, channels, 0, 1);
    }
  }

  static void all_rows(const int8_t* input, const int16_t* filters, int8_t* output, int channels,
                       int16_t* strip) {
    constexpr int kStay = std::max(0, Op::kFilterHeight - Op::kStrideHeight);
    constexpr int kCopied = std::max(0, std::min(Op::kInputWidth, kRowPixels - Op::kPadLeft));
    constexpr int kLast = Op::kOutputWidth % kPixels;
    constexpr int kStep = kPixels * Op::kStrideWidth * kPixelElements;
    int ready = 0;
    for (int out = 0; out < Op::kOutputHeight; ++out) {
      const int top = out * Op::kStrideHeight - Op::kPadTop;
      for (int i = ready; i < Op::kFilterHeight; ++i) {
        if (top + i < 0 || top + i >= Op::kInputHeight) continue;  // never looked at
        widen_pixels<kCopied>(input + (top + i) * Op::kInputWidth * Op::kInputChannels,
                              strip + i * kRowElements + Op::kPadLeft * kPixelElements);
      }
      const int above = std::max(0, -top);
      const int rows = std::min(Op::kFilterHeight, Op::kInputHeight - top) - above;
      const int16_t* x = strip + above * kRowElements;
      for (int group = 0; group < Op::kOutputWidth / kPixels; ++group) {
        pixels<kPixels>(x, filters, output, channels, above, rows);
        x += kStep;
        output += kPixels * Op::kOutputChannels;
      }
      if constexpr (kLast > 0) {
        pixels<kLast>(x, filters, output, channels, above, rows);
        output += kLast * Op::kOutputChannels;
      }
      if constexpr (kStay > 0) {
        move_words<kStay * kRowElements / 2>(strip, strip + Op::kStrideHeight * kRowElements);
      }
      ready = kStay;
    }
  }
};

// weights: for each two channels (and the last one if their number is odd), for each word of their
// filters: that word of each, narrowed for widen_weights()
// scratch: kScratchBytes of memory
template <class Op>
inline void convolve_s8(const int8_t* input, const int8_t* weights, const DoubledChannel* channels,
                        int8_t* output, int16_t* scratch) {
  using Convolution = Convolve<Op>;
  constexpr int kAtOnce = Op::kChannelsAtOnce;
  int16_t* filters = scratch + Convolution::kStripElements;
  clear_words<Convolution::kStripElements / 2>(scratch);
  for (int first = 0; first < Op::kOutputChannels; first += kAtOnce) {
    const int count = std::min<int>(kAtOnce, Op::kOutputChannels - first);
    Convolution::load_filters(weights + first * Convolution::kFilterElements, channels + first,
                              count, filters);
    for (int batch = 0; batch < Op::kBatches; ++batch) {
      const int8_t* image = input + batch * Op::kInputHeight * Op::kInputWidth * Op::kInputChannels;
      int8_t* outputs =
          output + batch * Op::kOutputHeight * Op::kOutputWidth * Op::kOutputChannels + first;
      if constexpr (Convolution::kPointwise) {
        Convolution::all_pixels(image, filters, outputs, count, scratch);
      } else {
        Convolution::all_rows(image, filters, outputs, count, scratch);
      }
    }
  }
}

}  // namespace kernels
}  // namespace earshot

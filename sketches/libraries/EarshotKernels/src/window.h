// The rows of an image that one row of outputs looks at, with the padding in place.
//
// An image without padding is looked at where it lies. Otherwise the rows are copied into a strip
// of a few rows, whose margins hold the padding: the inner loops then know of no border. For int8
// the padding is the input's zero point, so that the share of the zero point is the same for every
// window and can be part of the bias.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "products.h"

namespace earshot {
namespace kernels {

// Op: kInputHeight, kInputWidth, kInputChannels, kOutputHeight, kOutputWidth, kFilterHeight,
// kFilterWidth, kStrideHeight, kStrideWidth, kDilationHeight, kDilationWidth, kPadTop, kPadLeft,
// kPadValue
template <class Op>
struct WindowRows {
  // Columns that some window looks at, and how many of them the image fills.
  static constexpr int kColumns =
      (Op::kOutputWidth - 1) * Op::kStrideWidth + (Op::kFilterWidth - 1) * Op::kDilationWidth + 1;
  static constexpr int kImageColumns =
      std::max(0, std::min(kColumns - Op::kPadLeft, Op::kInputWidth));
  static constexpr int kLastRow = (Op::kOutputHeight - 1) * Op::kStrideHeight +
                                  (Op::kFilterHeight - 1) * Op::kDilationHeight - Op::kPadTop;
  static constexpr bool kPadded = Op::kPadTop > 0 || Op::kPadLeft > 0 ||
                                  kColumns > Op::kInputWidth || kLastRow >= Op::kInputHeight;

  // Elements from one tap to the one beside it and to the one below, and to the next window.
  static constexpr int kTapAcross = Op::kDilationWidth * Op::kInputChannels;
  static constexpr int kTapDown = kPadded
                                      ? (kColumns * Op::kInputChannels + 3) / 4 * 4
                                      : Op::kDilationHeight * Op::kInputWidth * Op::kInputChannels;
  static constexpr int kNextWindow = Op::kStrideWidth * Op::kInputChannels;

  static constexpr int kStripElements = kPadded ? Op::kFilterHeight * kTapDown : 0;
};

// Taps of the filter that lie side by side in the input: without gaps a row of it is one run.
template <class Op>
struct FilterRuns {
  static constexpr bool kOneRun = Op::kDilationWidth == 1 || Op::kFilterWidth == 1;
  static constexpr int kAcross = kOneRun ? 1 : Op::kFilterWidth;  // runs of a row
  static constexpr int kTaps = kOneRun ? Op::kFilterWidth * Op::kInputChannels : Op::kInputChannels;
};

// Word by word; the barrier keeps the compiler from calling memcpy, which copies single bytes in
// newlib's small variant. bytes: a constant
template <int kBytes>
inline void copy(void* to, const void* from) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  for (int i = 0; i + 4 <= kBytes; i += 4) {
    std::memcpy(target + i, source + i, 4);
    asm volatile("" ::: "memory");
  }
  std::memcpy(target + kBytes / 4 * 4, source + kBytes / 4 * 4, kBytes % 4);
}

// Fills the strip's margins, which stay as they are from one row of outputs to the next.
template <class Op, class Element>
inline void prepare_strip(Element* strip) {
  for (int i = 0; i < WindowRows<Op>::kStripElements; ++i) strip[i] = Op::kPadValue;
}

// Where the leftmost window of a row of outputs begins.
template <class Op, class Element>
inline const Element* window_row(const Element* image, int output_row, Element* strip) {
  using Rows = WindowRows<Op>;
  constexpr int kImageRow = Op::kInputWidth * Op::kInputChannels;
  const int first_row = output_row * Op::kStrideHeight - Op::kPadTop;
  if constexpr (!Rows::kPadded) {
    return image + first_row * kImageRow;
  } else {
    constexpr int kCopied = Rows::kImageColumns * Op::kInputChannels;
    constexpr int kBytes = kCopied * static_cast<int>(sizeof(Element));
    for (int tap = 0; tap < Op::kFilterHeight; ++tap) {
      const int row = first_row + tap * Op::kDilationHeight;
      Element* target = strip + tap * Rows::kTapDown + Op::kPadLeft * Op::kInputChannels;
      if (row >= 0 && row < Op::kInputHeight) {
        copy<kBytes>(target, image + row * kImageRow);
      } else {
        for (int i = 0; i < kCopied; ++i) target[i] = Op::kPadValue;
      }
    }
    return strip;
  }
}

}  // namespace kernels
}  // namespace earshot

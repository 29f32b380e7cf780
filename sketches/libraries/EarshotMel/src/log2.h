// Logarithm of an integer by table, as in models/data/mel.py.
#pragma once

#include <cstdint>

#include "mel_tables.h"

namespace earshot {

constexpr int kLogBits = 16;

// log2(value) with 16 fractional bits, linear within 1/128 of an octave; value > 0.
inline int32_t log2_of(uint64_t value) {
  const int width = 64 - __builtin_clzll(value);
  const auto fraction = static_cast<uint32_t>((value << (64 - width) << 1) >> 41);  // 23 bits
  const uint32_t segment = fraction >> 16;
  const int32_t begin = kMelLogSegments[segment];
  const int32_t rise = kMelLogSegments[segment + 1] - begin;
  return ((width - 1) << kLogBits) + begin +
         static_cast<int32_t>((static_cast<uint32_t>(rise) * (fraction & 0xffff)) >> 16);
}

}  // namespace earshot

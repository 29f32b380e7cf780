// Fast in a sketch that is built for size, too.
#pragma GCC optimize("O2")

#include "front_end.h"

#include <algorithm>

namespace earshot {

namespace {

constexpr int kCoefficientShift = kLogBits + kMfccTableBits - 8;  // to steps of 1 / 256
constexpr int32_t kFullScale = 15 << kLogBits;                    // log2 of it

}  // namespace

int32_t level_shift(uint16_t level) {
  const int64_t octaves = kFullScale - log2_of(level);
  return static_cast<int32_t>((octaves * kMfccLevelFactor + (1 << 21)) >> 22);
}

uint16_t leveled(uint16_t feature, int32_t shift) {
  if (feature == kSilence[0]) return feature;
  return static_cast<uint16_t>(std::min<int32_t>(feature + shift, UINT16_MAX));
}

bool FrontEnd::process(const int16_t* samples, int count, uint16_t slice[kSliceValues]) {
  int32_t channels[kMelChannels];
  int16_t largest;
  if (!complete_window(samples, count, channels, &largest)) return false;
  for (int i = 0; i < kChannels; ++i) {
    int64_t sum = INT64_C(1) << (kCoefficientShift - 1);
    for (int n = 0; n < kMelChannels; ++n) {
      sum += static_cast<int64_t>(channels[n]) * kMfccCosines[i][n];
    }
    const auto coefficient = static_cast<int32_t>(sum >> kCoefficientShift);
    slice[i] = static_cast<uint16_t>(
        std::min(std::max(coefficient, -kFeatureZero), kFeatureZero - 1) + kFeatureZero);
  }
  slice[kChannels] = static_cast<uint16_t>(std::max<int16_t>(largest, 1));
  return true;
}

}  // namespace earshot
